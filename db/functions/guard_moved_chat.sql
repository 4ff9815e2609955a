-- Trigger `confirmed_once` of moved_chats: a move of the admin chat counts after a super admin has confirmed
-- it, by a press in the new chat, in the update that is being handled. Nothing else of a move changes.
-- Locks: nothing. Raises: AD065; what `require_words` raises.
CREATE OR REPLACE FUNCTION guard_moved_chat() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF num_nonnulls(NEW.confirmed_by, NEW.confirmed_in, NEW.confirmed_at) = 0 THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL
        AND (OLD.old_chat_id, OLD.new_chat_id, OLD.moved_at)
            = (NEW.old_chat_id, NEW.new_chat_id, NEW.moved_at)
        AND NEW.new_chat_id::text = (SELECT payload #>> '{callback_query,message,chat,id}'
            FROM inbox WHERE id = NEW.confirmed_in)
        AND EXISTS (
            SELECT FROM user_roles granted JOIN users person ON person.id = granted.user_id
            WHERE person.id = NEW.confirmed_by AND granted.role = 'super_admin'
                AND NOT person.blocked)
    THEN
        PERFORM require_words(NEW.confirmed_in, NEW.confirmed_by, '^admin_chat:confirm$');
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a super admin confirms a move once, in the new chat' USING ERRCODE = 'AD065';
END $$
