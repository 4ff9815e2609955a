-- Returns the topic of the fixed list (`services/market/topics.py`) for what an owner has chosen or typed: the key
-- itself, or its name in a language of the bot. Any other text, and null, is the topic `other`.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION known_topic(topic text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((
        SELECT known.key FROM (VALUES
            ('news', 'news', 'новости'),
            ('politics', 'politics', 'политика'),
            ('city', 'cities and regions', 'города и регионы'),
            ('business', 'business', 'бизнес'),
            ('finance', 'finance', 'финансы'),
            ('crypto', 'crypto', 'криптовалюты'),
            ('marketing', 'marketing', 'маркетинг'),
            ('work', 'jobs', 'работа'),
            ('technology', 'technology', 'технологии'),
            ('science', 'science', 'наука'),
            ('education', 'education', 'образование'),
            ('psychology', 'psychology', 'психология'),
            ('entertainment', 'entertainment', 'развлечения'),
            ('humour', 'humour', 'юмор'),
            ('games', 'games', 'игры'),
            ('music', 'music', 'музыка'),
            ('films', 'films and series', 'кино и сериалы'),
            ('sport', 'sport', 'спорт'),
            ('health', 'health', 'здоровье'),
            ('beauty', 'beauty and fashion', 'красота и мода'),
            ('food', 'food', 'еда'),
            ('home', 'home and family', 'дом и семья'),
            ('cars', 'cars', 'авто'),
            ('travel', 'travel', 'путешествия'),
            ('shopping', 'shopping', 'покупки'),
            ('blogs', 'blogs', 'блоги')
        ) AS known (key, english, russian)
        WHERE lower(btrim(topic)) IN (known.key, known.english, known.russian)), 'other')
$$
