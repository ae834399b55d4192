"""Notices by a Telegram bot (https://core.telegram.org/bots/api#sendmessage)."""

from http import HTTPStatus

from journal.notifying.notice_text import Notice
from journal.notifying.sending import NotSent, SendRules, Unreachable, post_json, secret_of
from settings.model import Notices
from translations import _

_LONGEST = 4000
"""Letters of a message; the Bot API takes 4096."""


def send_telegram(chat: str, notice: Notice, settings: Notices, rules: SendRules) -> None:
    """Have the bot write to a chat. Raises NotSent, Unreachable; what they say does not hold the token."""
    if not settings.telegram_token_file:
        raise Unreachable(_("nothing can be sent by Telegram: set notices.telegram_token_file"))
    token = secret_of(settings.telegram_token_file)
    if not all(each.isascii() and (each.isalnum() or each in ":_-") for each in token):
        message = _("{path}: expected the token of a bot, found something else")
        raise Unreachable(message.format(path=settings.telegram_token_file))
    url = f"{settings.telegram_server.rstrip('/')}/bot{token}/sendMessage"
    value = {"chat_id": chat, "text": notice.text[:_LONGEST], "link_preview_options": {"is_disabled": True}}
    status, _answer = post_json(url, value, rules, key="notices.telegram_server")
    match status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            message = _("Telegram does not know the bot ({code}): look at notices.telegram_token_file")
            raise Unreachable(message.format(code=status))
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN:
            message = _(
                "Telegram does not let the bot write to this chat ({code}): its owner has to write to the bot first"
            )
            raise NotSent(message.format(code=status))
        case _:
            raise Unreachable(_("Telegram says no ({code})").format(code=status))
