"""The web console: server-rendered pages for the people who look after the results (docs/adr/0026-console.md).

How a page is added: three files, nothing to register.

1. ``pages/NAME.py``. Every module of ``pages`` is found by itself; it has ``routes()`` and, to stand in the menu,
   ``NAV``::

       NAV = (Nav(order=30, path="/lots", label=N_("Lots"), right="see", key="g l"),)

       @get("/lots", right="see")
       def listing(request: Request) -> Response:
           pager = Pager.of(request)
           found = batches(office(request).store, limit=pager.fetch, ...)      # a use case of service/, never SQL
           return render(request, "batches.html", rows=found, pager=pager)

       @post("/lots/{batch}/reprise", right="operate")
       def resume(request: Request) -> Response:
           ...                                    # request.state.form is read, the CSRF token is verified
           flash(request, _("Lot repris."))
           return to("/lots")

       def routes() -> list[PageRoute]:
           return [listing, resume]

   A handler is a plain function: it runs in a thread, since the store is synchronous. ``right`` is one of
   :data:`.people.RIGHTS`; who lacks it gets a page that says so. ``patients=True`` asks for ``see_patients`` too, and
   the handler must call ``shows(request, "dispatch", [ids])``, which writes the journal line *before* anything is
   shown; a page that forgot is not sent. A page that shows patients only to those who may calls
   ``may(request, "see_patients")`` and then ``shows``. What is typed about a patient travels by POST: addresses stay in
   histories. ``actor(request)`` is what use cases write down. A ``DispatcherError`` raised by a use case becomes a page
   with its sentence and its hint.

2. ``templates/NAME.html``: ``{% extends "base.html" %}``, blocks ``title`` and ``main``, macros of ``parts.html`` by
   ``parts.``: ``heading``, ``section``, ``figure``, ``badge``, ``cell``, ``csrf`` (in each POST form), ``pager``,
   ``empty``, ``problem``. No inline style or script: the policy forbids both. A table gets ``class="cards"`` and
   ``data-label`` on each cell (macro ``cell``), so that it becomes cards on a telephone. Filters: ``moment``, ``hour``,
   ``day``, ``age``, ``number``, ``state``, ``file_state``, ``tone``. ``link(path)`` is the path when a page answers
   there, else empty. Every list says something when it is empty.

3. ``locale/en/LC_MESSAGES/NAME.po``: the English. French is the msgid: ``_("…")`` in pages and templates,
   ``n_("%(num)d envoi", "%(num)d envois", count)`` in pages, ``ngettext`` of the same three in templates, ``N_("…")``
   for later. ``python -m tests.tools.console_texts`` adds what is missing to the ``.po`` of its page;
   tests fail on a text without English and on raw text in a template. Values by name: ``_("Lot %(id)s", id=b.id)``.

What the small script adds (everything works without it): ``data-live`` on an element with an id renews it every few
seconds; ``data-key="r"`` on a link, button or field makes it a shortcut (listed on « ? » by ``data-key-label`` or its
text); ``data-confirm="…"`` on a form asks first; ``data-rows`` on a table lets « j » and « k » walk its rows.

Where pages stand (French paths, said aloud on the telephone): ``/`` · ``/attente`` held, ``/attente/D…`` · ``/envois``
with ``?etat=held&canal=…&lot=…&destinataire=…&dossier=…`` · ``/envois/D…`` · ``/fichiers?etat=quarantined`` ·
``/fichiers/F…`` · ``/lots``, ``/lots/B…`` · ``/recherche`` · ``/rejeu`` · ``/non-lus`` ·
``/papier`` · ``/avis`` notices without dispatch · ``/correspondances`` mappings · ``/annuaire`` · ``/echeances`` ·
``/statistiques`` ·
``/envoi-en-nombre`` · ``/alarmes`` · ``/connexion`` · ``/mon-compte``.

``python -m tests.tools.console_demo`` serves the console on the store of a demo; whoever opens it may do everything.
In tests: fixtures ``alice`` (signed in, may everything) and ``stranger`` of ``tests/console/conftest.py``.
"""
