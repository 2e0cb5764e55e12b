"""One form of a mail address, whoever wrote it and however: what is compared is what is sent to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import SealError
from dispatcher.report.model import ExplicitRecipient, Patient, Practitioner, Report
from dispatcher.routing.addresses import PATIENT_DOMAIN, as_compared, canonical, hidden, is_patient, well_formed
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.domain_names import domain_key
from dispatcher.routing.facts import domain_of
from dispatcher.routing.policy import ChannelPolicy, DomainPolicy, Policy
from dispatcher.routing.route import RecipientRole
from dispatcher.routing.wanted import recipients
from dispatcher.sealing.mime import address as sealed_address
from tests.unit.routing.routing_desk import IN, MSS, Domains, decided, per, wanted

INS = "279035121518989"
DISGUISED = (
    "patient。mssante。fr",
    "ｐatient.mssante.fr",
    "patient.mſsante.fr",
    "PATIENT．MSSANTE．FR",
    "x.patient.mssante｡fr",
)
BROKEN = ("patient.mssante.fr\u200d", "patient.mßante.fr", "pa\u00adtient.mssante.fr", "patient.mssante\ufe0f.fr")
"""No mail domains, yet somebody reads the patient's there."""


class Keyed(Domains):
    """As the real list asks: by the form of comparison."""

    def allows(self, domain: str) -> bool:
        return domain_key(domain) in self.names


@pytest.mark.parametrize("domain", DISGUISED)
@pytest.mark.parametrize("chosen", [False, True])
def test_a_patients_box_is_one_in_every_writing(domain: str, chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list lets « patient.mssante.fr » in, and sealing would write it: the guard must know it too."""
    monkeypatch.setattr("tests.unit.routing.routing_desk.Domains", Keyed)
    address = f"{INS}@{domain}"
    assert is_patient(address)
    inside = [PATIENT_DOMAIN, f"x.{PATIENT_DOMAIN}"]
    made = decided(wanted(address="" if chosen else address), chosen=address if chosen else "", allowed=inside)
    assert made.route is None
    assert made.hold is not None
    assert made.hold.code == "patient-recipient"


@pytest.mark.parametrize("domain", DISGUISED + BROKEN)
def test_a_patients_number_is_hidden_in_every_writing(domain: str) -> None:
    text = hidden(f"L'adresse {INS}@{domain} figure ; voir aussi dr@{IN}.", "patient")
    assert INS not in text
    assert text.startswith(f"L'adresse patient@{PATIENT_DOMAIN} ")
    assert f"dr@{IN}" in text


@pytest.mark.parametrize("domain", DISGUISED + BROKEN)
def test_a_patients_box_named_in_a_file_is_wanted_for_a_patient_and_names_nobody(domain: str) -> None:
    report = Report(
        patient=Patient(), recipients=(ExplicitRecipient(address=f"{INS}@{domain}", practitioner=Practitioner()),)
    )
    found = recipients(report, copies=False)
    assert [one.role for one in found] == [RecipientRole.PATIENT]
    assert INS not in found[0].label


@pytest.mark.parametrize("domain", BROKEN)
def test_what_is_no_domain_is_no_address(domain: str) -> None:
    assert canonical(f"{INS}@{domain}") is None
    made = decided(wanted(address=f"dr@{domain.replace('patient', 'dest').replace('pa', 'de')}"))
    assert made.hold is not None
    assert made.hold.code == "bad-address"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Dr.Durand@MSSANTE.FR", "dr.durand@mssante.fr"),
        ("a@ÉTÉ.exemple.fr", "a@xn--t-9fab.exemple.fr"),
        ("a@xn--t-9fab.exemple.fr", "a@xn--t-9fab.exemple.fr"),
        ("a@été。exemple｡fr", "a@xn--t-9fab.exemple.fr"),
    ],
)
def test_one_form(text: str, form: str) -> None:
    assert canonical(text) == form
    assert as_compared(f" {text} ") == form


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "@b.fr", "a@", "a@b", "a@@b.fr", "a b@c.fr", "a@b .fr", "a@\u00a0b.fr", "é@b.fr", "\u212a@b.fr"),
        *("a@straße.fr", "a,b@c.fr", "a@b.fr;c@d.fr", "<a@b.fr>", "a@[192.0.2.1]", "a@b.fr\n", "a@b.fr."),
        "x" * 65 + "@b.fr",
    ],
)
def test_what_no_mail_can_be_written_to_is_refused(text: str) -> None:
    assert canonical(text) is None
    assert not well_formed(text)
    assert text != text.strip() or not well_formed(as_compared(text))


@given(st.text("aé.@-_ſßｐ。\u200d K", max_size=20))
def test_the_form_is_its_own_form_and_what_sealing_writes(text: str) -> None:
    form = canonical(text)
    if form is None:
        return
    assert canonical(form) == form
    assert form.isascii()
    try:
        assert sealed_address("To", text).lower() == form
    except SealError:  # it is stricter: dots in the local part, underscores in the domain
        assert ".." in form or ".@" in form or form[0] == "." or "_" in form or "@-" in form


@pytest.mark.parametrize("written", ["dr@été.test", "dr@xn--t-9fab.test", "DR@ÉTÉ。TEST"])
def test_file_table_and_directory_meet_whatever_each_writes(written: str) -> None:
    """A U-label in the file and an A-label in the directory are one box; a setting for the domain finds both."""
    form = "dr@xn--t-9fab.test"
    policy = Policy(
        channels={"mss": MSS},
        default_channel="mss",
        domains={"xn--t-9fab.test": DomainPolicy(format="pdf")},
    )
    by_file = decided(wanted(address=written), per(form), allowed=["xn--t-9fab.test"], policy=policy)
    line = LocalEntry(code="D1", address=written)
    by_table = decided(wanted(id="D1"), per(form), lines=[line], allowed=["xn--t-9fab.test"], policy=policy)
    for made in (by_file, by_table):
        assert made.route is not None, made.hold
        assert (made.route.address, made.route.format) == (form, "pdf")


def test_domain_settings_are_compared_in_that_form() -> None:
    channel = ChannelPolicy(name="a", family="apicrypt", default_format="hprim-medecins", domains=("été.test",))
    assert domain_of("X@ÉTÉ。test") == "xn--t-9fab.test"
    assert channel.serves("xn--t-9fab.test")
    star = ChannelPolicy(name="a", family="apicrypt", default_format="hprim-medecins", domains=("*.Été.test",))
    assert star.serves("x.xn--t-9fab.test")
    assert not star.serves("xn--t-9fab.test")
    policy = Policy(channels={}, default_channel="", domains={"*.Été.test": DomainPolicy(format="pdf")})
    assert policy.for_domain("x.xn--t-9fab.test").format == "pdf"
