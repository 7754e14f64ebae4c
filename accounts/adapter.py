"""How people get in: by invitation only."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class ClosedSignup(DefaultAccountAdapter):
    """Nobody signs up by themselves: users are made by `accounts.services.invite_user`."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False
