"""The built-in categories: how grave each is and which clause of the schools' documents it rests on."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a category is; decides what the levels `medium` and `low` block."""

    UNLAWFUL = "unlawful"
    """Forbidden by law: locked, no allow entry opens it, blocked at every level."""
    HARMFUL = "harmful"
    UNRELATED = "unrelated"
    """Lawful, but not related to education (R1 2.11)."""
    NUISANCE = "nuisance"


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of resource that the council can block for a group."""

    id: str
    severity: Severity
    clause: str
    """Where REQUIREMENTS.md asks for it, as `R1 3.1`; empty if no document does."""
    names: dict[str, str]
    """Title by language: en, ru, kk, ky."""

    @property
    def locked(self) -> bool:
        """Whether no allow entry can open it."""
        return self.severity is Severity.UNLAWFUL

    def title(self, language: str) -> str:
        """Return the title in the language, or in English."""
        return self.names.get(language, self.names["en"])


def _category(id_: str, severity: Severity, clause: str, en: str, ru: str, kk: str, ky: str) -> Category:
    return Category(id_, severity, clause, {"en": en, "ru": ru, "kk": kk, "ky": ky})


_U, _H, _R, _N = Severity.UNLAWFUL, Severity.HARMFUL, Severity.UNRELATED, Severity.NUISANCE

CATEGORIES: tuple[Category, ...] = (
    _category("terrorism", _U, "R1 3.1", "Terrorism", "Терроризм", "Терроризм", "Терроризм"),
    _category(
        "extremism",
        _U,
        "R1 3.1",
        "Political or religious extremism",
        "Политический или религиозный экстремизм",
        "Саяси немесе діни экстремизм",
        "Саясий же диний экстремизм",
    ),
    _category(
        "hatred",
        _U,
        "R1 3.1",
        "Ethnic or racial hatred",
        "Национальная или расовая рознь",
        "Ұлттық немесе нәсілдік араздық",
        "Улуттук же расалык кастык",
    ),
    _category("drugs", _U, "R3 1.11", "Drugs", "Наркотики", "Есірткі", "Баңгизаттар"),
    _category(
        "adult",
        _H,
        "R1 3.1",
        "Adult content",
        "Материалы для взрослых",
        "Ересектерге арналған контент",
        "Чоңдор үчүн контент",
    ),
    _category("violence", _H, "R1 3.1", "Violence", "Насилие", "Зорлық-зомбылық", "Зомбулук"),
    _category(
        "self-harm",
        _H,
        "R3 1.11",
        "Self-harm and suicide",
        "Самоповреждение и суицид",
        "Өзіне зиян келтіру және суицид",
        "Өзүнө зыян келтирүү жана суицид",
    ),
    _category("gambling", _H, "R3 1.11", "Gambling", "Азартные игры", "Құмар ойындар", "Кумар оюндары"),
    _category("weapons", _H, "R1 3.1", "Weapons", "Оружие", "Қару-жарақ", "Курал-жарак"),
    _category(
        "alcohol-tobacco",
        _H,
        "R1 2.11",
        "Alcohol, tobacco, vaping",
        "Алкоголь, табак, вейпы",
        "Алкоголь, темекі, вейп",
        "Алкоголь, тамеки, вейп",
    ),
    _category(
        "malware",
        _H,
        "R5",
        "Malicious sites and fraud",
        "Вредоносные и мошеннические сайты",
        "Зиянды және алаяқ сайттар",
        "Зыяндуу жана алдамчы сайттар",
    ),
    _category(
        "bypass",
        _H,
        "R1 2.13",
        "Ways around the filter",
        "Обход фильтра",
        "Сүзгіні айналып өту",
        "Чыпканы айланып өтүү",
    ),
    _category("dating", _R, "R1 2.11", "Dating", "Знакомства", "Танысу сайттары", "Таанышуу сайттары"),
    _category(
        "transactions",
        _R,
        "R1 3.3",
        "Shopping and transactions",
        "Покупки и сделки через интернет",
        "Интернет арқылы сатып алу және мәмілелер",
        "Интернет аркылуу сатып алуу жана бүтүмдөр",
    ),
    _category(
        "downloads",
        _R,
        "R1 3.3",
        "Multimedia and program downloads",
        "Загрузка мультимедиа и программ",
        "Мультимедиа мен бағдарламаларды жүктеу",
        "Мультимедиа жана программаларды жүктөө",
    ),
    _category("video", _R, "R1 2.11", "Video and music", "Видео и музыка", "Бейне және музыка", "Видео жана музыка"),
    _category("games", _R, "R1 2.11", "Games", "Игры", "Ойындар", "Оюндар"),
    _category(
        "social",
        _R,
        "R1 2.11",
        "Social networks",
        "Социальные сети",
        "Әлеуметтік желілер",
        "Социалдык тармактар",
    ),
    _category(
        "messengers",
        _R,
        "R1 2.11",
        "Messengers and chat",
        "Мессенджеры и чаты",
        "Мессенджерлер мен чаттар",
        "Мессенджерлер жана чаттар",
    ),
    _category("advertising", _N, "", "Advertising", "Реклама", "Жарнама", "Жарнама"),
    _category("tracking", _N, "", "Tracking", "Слежка", "Бақылау трекерлері", "Көз салуу трекерлери"),
)

BY_ID: dict[str, Category] = {category.id: category for category in CATEGORIES}
