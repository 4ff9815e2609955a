"""Define the six steps of the page's guide: one ad from the channel to the owner's money."""

from dataclasses import dataclass

from sandbox.seed_data import SeedData
from sandbox.telegram.guide import GuideStep, MessageShown

_PLUS = "\N{HEAVY PLUS SIGN}"


@dataclass(frozen=True)
class Step:
    """One step without the ids of a certain sandbox. Texts are in English and in Russian.

    `role`, for example "owner", has to act. The step is done when the bot shows one of the texts
    `done_when` in the private chat of the role `watched`.
    """

    name: str
    role: str
    titles: tuple[str, str]
    texts: tuple[str, str]
    done_when: tuple[str, ...]
    watched: str
    by_bot: bool = True
    in_admin_chat: bool = False


STEPS = (
    Step(
        "connect",
        "owner",
        ("Put a channel on offer", "Выставьте канал"),
        (
            f"START, then 📺 My channels → {_PLUS} Connect a channel. Say what a post costs.",
            f"START, затем 📺 Мои каналы → {_PLUS} Подключить канал. Назовите цену поста.",
        ),
        ("” is connected.", "» подключён."),
        "owner",
    ),
    Step(
        "top_up",
        "advertiser",
        ("Top up the wallet", "Пополните кошелёк"),
        (
            f"START, then 💰 Wallet → {_PLUS} Top up, and pay the invoice. It is no real money.",
            f"START, затем 💰 Кошелёк → {_PLUS} Пополнить и оплатите счёт. Деньги не настоящие.",
        ),
        ("successful_payment",),
        "advertiser",
        by_bot=False,
    ),
    Step(
        "buy",
        "advertiser",
        ("Buy a post", "Купите пост"),
        (
            "Create a campaign under 📣 Campaigns, activate it, then 🛒 Buy a placement.",
            "Создайте кампанию в 📣 Кампании, запустите её, затем 🛒 Купить размещение.",
        ),
        (
            "Sent to the owner of the channel",
            "The owner accepts such ads.",
            "Отправлено владельцу канала",
            "Владелец принимает такие объявления.",
        ),
        "advertiser",
    ),
    Step(
        "accept",
        "owner",
        ("Accept the ad", "Примите объявление"),
        (
            "The bot shows the ad and what it brings. Press ✅ Accept.",
            "Бот показывает объявление и сколько за него заплатят. Нажмите ✅ Принять.",
        ),
        ("you have accepted, waits for an admin", "вы приняли, ждёт администратора"),
        "owner",
    ),
    Step(
        "approve",
        "admin",
        ("Approve the ad", "Одобрите объявление"),
        (
            "Approve the ad in the admin chat. The money goes into escrow; the ad is published.",
            "Одобрите объявление в чате администраторов. Деньги уйдут в эскроу, пост выйдет.",
        ),
        ("An ad was published in", "вышло объявление (размещение"),
        "owner",
        in_admin_chat=True,
    ),
    Step(
        "paid",
        "owner",
        ("See the owner paid", "Получите оплату"),
        (
            "Move the clock below the chats forward until the promised hours are over.",
            "Переводите часы под списком чатов, пока не пройдёт обещанное время.",
        ),
        ("You have been paid", "Вам выплачено"),
        "owner",
    ),
)


def build(seeds: SeedData) -> list[GuideStep]:
    """Return the steps for the first people and chats of a sandbox."""
    people = seeds.people
    return [
        GuideStep(
            step.name,
            dict(zip(("en", "ru"), step.titles, strict=True)),
            dict(zip(("en", "ru"), step.texts, strict=True)),
            people[step.role],
            seeds.admin_chat_id if step.in_admin_chat else people[step.role],
            MessageShown(people[step.watched], step.done_when, step.by_bot),
        )
        for step in STEPS
    ]
