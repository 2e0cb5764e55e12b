"""Settings to ways. Nothing is connected yet; libraries of ways that nobody wants are not loaded."""

from __future__ import annotations

import socket

from dispatcher.ports import AlarmWay
from dispatcher.settings import AlarmSettings


def alarm_ways(settings: AlarmSettings, laboratory: str) -> tuple[AlarmWay, ...]:
    """Every way that is configured."""
    found: list[AlarmWay] = []
    if settings.mail is not None:
        from dispatcher.transport.alerting.mail import mail_ways

        found += mail_ways(settings.mail, laboratory)
    if settings.webhook is not None:
        from dispatcher.transport.alerting.http import WebhookWay

        found.append(WebhookWay(settings.webhook, laboratory))
    if settings.command is not None:
        from dispatcher.transport.alerting.command import CommandWay

        found.append(CommandWay(settings.command, laboratory))
    if settings.syslog is not None:
        from dispatcher.transport.alerting.syslog import SyslogWay

        found.append(SyslogWay(settings.syslog, socket.gethostname()))
    if settings.event_log is not None:
        from dispatcher.transport.alerting.event_log import EventLogWay

        found.append(EventLogWay(settings.event_log))
    return tuple(found)
