"""All shapes in one."""

from __future__ import annotations

from tests.notice_shapes import answers, appliances, delivery, exchange, french, odd, readers, servers
from tests.notice_shapes.building import Shape

SHAPES: tuple[Shape, ...] = (
    *delivery.SHAPES,
    *exchange.SHAPES,
    *odd.SHAPES,
    *servers.SHAPES,
    *appliances.SHAPES,
    *french.SHAPES,
    *readers.SHAPES,
    *answers.SHAPES,
)
