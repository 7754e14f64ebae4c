"""A won opportunity is told to those who lead its team, once, in their language."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.core.events import dispatch
from crm.core.models import Event, Notification
from sales.services import win_opportunity
from tests.analytics.test_page import make


@pytest.fixture
def won(cast):
    row = make(cast.anna, amount="1234.50")
    return row


def test_the_lead_is_told_once(cast, won):
    win_opportunity(won, by=cast.anna)
    dispatch()
    dispatch()
    told = Notification.objects.get()
    assert told.user == cast.clara and won.name in told.text and "1.234,50" in told.text
    assert told.url == reverse("opportunity-detail", args=[won.pk])


def test_in_the_readers_language(cast, won):
    cast.clara.language = "en"
    cast.clara.save()
    win_opportunity(won, by=cast.anna)
    dispatch()
    assert "€1,234.50" in Notification.objects.get().text


def test_nobody_is_told_of_their_own(cast, won):
    win_opportunity(won, by=cast.clara)
    dispatch()
    assert not Notification.objects.exists()


def test_taken_back_before_anybody_was_told(cast, won):
    from crm.core.undo import take_back

    take_back(win_opportunity(won, by=cast.anna), by=cast.anna)
    dispatch()
    assert not Notification.objects.exists()
    assert not Event.objects.filter(done_at=None).exists()


def test_an_inactive_lead_is_not_told(cast, won):
    cast.clara.is_active = False
    cast.clara.save()
    win_opportunity(won, by=cast.anna)
    dispatch()
    assert not Notification.objects.exists()
