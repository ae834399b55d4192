"""The services that a group can be kept from by name: YouTube, TikTok, Roblox … Which names each has, lists say."""

from dataclasses import dataclass
from enum import StrEnum


class ServiceKind(StrEnum):
    """What people go to a service for; groups the table that people choose from."""

    VIDEO = "video"
    MUSIC = "music"
    SOCIAL = "social"
    MESSENGER = "messenger"
    GAMES = "games"
    AI = "ai"
    SHOPPING = "shopping"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Service:
    """A product that people know by one name, whatever domains it lives under."""

    id: str
    """No category has the same: both stand in the category column of the query log."""
    kind: ServiceKind
    names: dict[str, str]
    """What people call it, by language: en, ru, kk, ky."""

    def title(self, language: str) -> str:
        """Return the title in the language, or in English."""
        return self.names.get(language, self.names["en"])


def _service(id_: str, kind: ServiceKind, name: str, cyrillic: str = "") -> Service:
    """Make a service. Brands are written alike in Russian, Kazakh and Kyrgyz, and mostly as in English."""
    other = cyrillic or name
    return Service(id_, kind, {"en": name, "ru": other, "kk": other, "ky": other})


_V, _T, _S, _M = ServiceKind.VIDEO, ServiceKind.MUSIC, ServiceKind.SOCIAL, ServiceKind.MESSENGER
_G, _A, _B, _P = ServiceKind.GAMES, ServiceKind.AI, ServiceKind.SHOPPING, ServiceKind.MAIL

SERVICES: tuple[Service, ...] = (
    _service("youtube", _V, "YouTube"),
    _service("tiktok", _V, "TikTok"),
    _service("likee", _V, "Likee"),
    _service("twitch", _V, "Twitch"),
    _service("kick", _V, "Kick"),
    _service("rutube", _V, "Rutube"),
    _service("vimeo", _V, "Vimeo"),
    _service("dailymotion", _V, "Dailymotion"),
    _service("bilibili", _V, "Bilibili"),
    _service("netflix", _V, "Netflix"),
    _service("kinopoisk", _V, "Kinopoisk", "Кинопоиск"),
    _service("ivi", _V, "Ivi"),
    _service("okko", _V, "Okko"),
    _service("disney-plus", _V, "Disney+"),
    _service("prime-video", _V, "Prime Video"),
    _service("spotify", _T, "Spotify"),
    _service("soundcloud", _T, "SoundCloud"),
    _service("yandex-music", _T, "Yandex Music", "Яндекс Музыка"),
    _service("apple-music", _T, "Apple Music"),
    _service("deezer", _T, "Deezer"),
    _service("instagram", _S, "Instagram"),
    _service("facebook", _S, "Facebook"),
    _service("threads", _S, "Threads"),
    _service("twitter", _S, "X (Twitter)"),
    _service("snapchat", _S, "Snapchat"),
    _service("pinterest", _S, "Pinterest"),
    _service("reddit", _S, "Reddit"),
    _service("tumblr", _S, "Tumblr"),
    _service("bluesky", _S, "Bluesky"),
    _service("linkedin", _S, "LinkedIn"),
    _service("vk", _S, "VK", "ВКонтакте"),
    _service("ok", _S, "Odnoklassniki", "Одноклассники"),
    _service("livejournal", _S, "LiveJournal", "Живой Журнал"),
    _service("4chan", _S, "4chan"),
    _service("telegram", _M, "Telegram"),
    _service("whatsapp", _M, "WhatsApp"),
    _service("viber", _M, "Viber"),
    _service("signal", _M, "Signal"),
    _service("messenger", _M, "Facebook Messenger"),
    _service("discord", _M, "Discord"),
    _service("max", _M, "MAX"),
    _service("line", _M, "LINE"),
    _service("wechat", _M, "WeChat"),
    _service("kakaotalk", _M, "KakaoTalk"),
    _service("roblox", _G, "Roblox"),
    _service("minecraft", _G, "Minecraft"),
    _service("steam", _G, "Steam"),
    _service("epicgames", _G, "Epic Games"),
    _service("fortnite", _G, "Fortnite"),
    _service("supercell", _G, "Supercell (Brawl Stars, Clash Royale)"),
    _service("pubg", _G, "PUBG"),
    _service("freefire", _G, "Free Fire"),
    _service("genshin", _G, "Genshin Impact"),
    _service("mobile-legends", _G, "Mobile Legends"),
    _service("standoff2", _G, "Standoff 2"),
    _service("riot-games", _G, "Riot Games (League of Legends, Valorant)"),
    _service("ea", _G, "Electronic Arts"),
    _service("ubisoft", _G, "Ubisoft"),
    _service("blizzard", _G, "Blizzard (Battle.net)"),
    _service("rockstar", _G, "Rockstar Games (GTA)"),
    _service("wargaming", _G, "Wargaming (World of Tanks)"),
    _service("playstation", _G, "PlayStation Network"),
    _service("xbox", _G, "Xbox"),
    _service("nintendo", _G, "Nintendo"),
    _service("chatgpt", _A, "ChatGPT"),
    _service("claude", _A, "Claude"),
    _service("gemini", _A, "Google Gemini"),
    _service("copilot", _A, "Microsoft Copilot"),
    _service("deepseek", _A, "DeepSeek"),
    _service("grok", _A, "Grok"),
    _service("perplexity", _A, "Perplexity"),
    _service("meta-ai", _A, "Meta AI"),
    _service("character-ai", _A, "Character.AI"),
    _service("midjourney", _A, "Midjourney"),
    _service("gigachat", _A, "GigaChat"),
    _service("yandex-alice", _A, "Yandex Alice", "Алиса (Яндекс)"),
    _service("aliexpress", _B, "AliExpress"),
    _service("temu", _B, "Temu"),
    _service("shein", _B, "SHEIN"),
    _service("amazon", _B, "Amazon"),
    _service("wildberries", _B, "Wildberries"),
    _service("ozon", _B, "Ozon"),
    _service("mailru", _P, "Mail.ru"),
)

SERVICES_BY_ID: dict[str, Service] = {service.id: service for service in SERVICES}
