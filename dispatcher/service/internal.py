"""Faults nobody foresaw: one report, recipient or mail is set aside, the others go on, and no log quotes a patient."""

from __future__ import annotations


def place(error: BaseException) -> str:
    """Type and place of an exception, for the log: ``KeyError at dispatcher.formats.cda.header:120``.

    Never its text or its trace: they may quote the report (decision D14). The place is the innermost of our own code.
    """
    told, trace = "?", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "?"))
        if module.startswith("dispatcher.") or told == "?":
            told = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {told}"


def sentence(error: BaseException, where: str, then: str) -> str:
    """French, for the operator. ``where``: « à la lecture »…; ``then``: what to do once it is mended."""
    return f"Défaut interne du programme ({type(error).__name__}) {where}. Le signaler au support du logiciel, {then}."
