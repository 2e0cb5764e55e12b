"""``/envois/D…/apercu``: what the recipient sees, read by us; nothing of the document itself is run."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import PageRoute, get, office, render, shows
from dispatcher.console.texts import _
from dispatcher.formats.cda_reading.shown import shown
from dispatcher.formats.text import decode
from dispatcher.service.preview import Received, received

CDA, HPRIM = ("cda", "cda-n1"), ("hprim-medecins", "hprim-sante")


@get("/envois/{item}/apercu", right="see", patients=True)
def preview(request: Request) -> Response:
    """HPRIM as text, CDA as a page, PDF behind a link."""
    found = _found(request)
    if found is None:
        return _nothing(request)
    shows(request, "dispatch", [found.dispatch_id])
    kept = found.renditions
    return render(
        request,
        "preview.html",
        item=found.dispatch_id,
        purged_at=found.purged_at,
        documents=[(name, shown(kept[name])) for name in CDA if name in kept],
        texts=[(name, decode(kept[name]).text) for name in HPRIM if name in kept],
        pdf="pdf" in kept,
    )


@get("/envois/{item}/apercu/pdf", right="see", patients=True)
def pdf(request: Request) -> Response:
    """The PDF itself, for the browser's own reader."""
    found = _found(request)
    content = found.renditions.get("pdf") if found is not None else None
    if found is None or content is None:
        return _nothing(request)
    shows(request, "dispatch", [found.dispatch_id])
    name = f'inline; filename="{found.dispatch_id}.pdf"'
    return Response(content, media_type="application/pdf", headers={"content-disposition": name})


def _found(request: Request) -> Received | None:
    return received(office(request).store, str(request.path_params["item"]))


def _nothing(request: Request) -> Response:
    text = _("Rien de tel n'est gardé pour ce numéro.")
    return render(request, "error.html", status=404, title=_("Rien à montrer"), text=text, hint="")


def routes() -> list[PageRoute]:
    return [preview, pdf]
