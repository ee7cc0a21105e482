from datetime import date

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.utils import DatabaseError

from contracts import queries
from contracts.models import ContractVersion, Term
from contracts.services import (
    activate_version,
    add_example,
    add_term,
    change_term,
    new_version,
    run_examples,
)
from contracts.services.workspace import next_steps, sheets
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from poweroptix.kernel.period import Period
from tests.contracts.conftest import ACTOR, EXAMPLE, NOW

pytestmark = pytest.mark.django_db


def next_version(contract, first, last=None, amount="148600.00", **more):
    version = new_version(contract, first_day=first, last_day=last, actor=ACTOR, now=NOW, **more)
    add_example(version, name="March", inputs=EXAMPLE, expected={"10": amount}, actor=ACTOR)
    return version


def test_activation_records_who_and_when(active):
    assert active.state == "ACTIVE"
    assert (active.activated_at, active.activated_by) == (NOW, "system:test")
    assert AuditEvent.objects.filter(action="contract.version_activated").count() == 1


def test_no_activation_without_an_example(contract):
    version = new_version(contract, first_day=date(2026, 1, 1), actor=ACTOR, now=NOW)
    add_term(
        version,
        line_code=10,
        charge_type_key="fixed_energy@1",
        label="Energy",
        parameters={"price": "50"},
        actor=ACTOR,
    )
    with pytest.raises(Refused) as caught:
        activate_version(version, actor=ACTOR, now=NOW)
    assert caught.value.message == (
        "PPA-ALFA v1 cannot be activated: no worked example; add one that both parties agreed to"
    )
    version.refresh_from_db()
    assert version.state == "DRAFT"


def test_no_activation_while_an_example_fails(draft):
    add_example(draft, name="wrong", inputs=EXAMPLE, expected={"10": "148600.01"}, actor=ACTOR)
    with pytest.raises(Refused) as caught:
        activate_version(draft, actor=ACTOR, now=NOW)
    assert [finding.message for finding in caught.value.findings] == [
        "example 'wrong': line 10: agreed 148,600.01, computed 148,600.00, differs by -0.01"
    ]


def test_an_amendment_names_each_line_that_no_example_agrees_on(contract, active):
    """Another line's example passes, and says nothing about the line that changed."""
    version = new_version(contract, first_day=date(2026, 7, 1), actor=ACTOR, now=NOW)
    change_term(version.terms.get(), parameters={"price": "51"}, actor=ACTOR)
    add_term(
        version,
        line_code=40,
        charge_type_key="recurring_fee@1",
        label="Fee",
        parameters={"fee": "250"},
        actor=ACTOR,
    )
    fee = {"expected": {"40": "250.00"}, "inputs": {"period": "2026-07"}}
    example = add_example(version, name="Fee", **fee, actor=ACTOR)
    missing = "line 10 Energy, which this version changes"
    with pytest.raises(Refused) as caught:
        activate_version(version, actor=ACTOR, now=NOW)
    assert caught.value.findings[0].message == (
        f"no worked example agrees an amount for {missing}: add one"
    )
    example.last_verdict = "PASS"
    example.save()
    held = sheets(contract)
    step, *_others = next_steps(contract, held, has_points=True, waiting=(), day=date(2026, 4, 1))
    assert (step.place, missing in step.text) == ("example-new", True)
    add_example(version, name="E", inputs=EXAMPLE, expected={"10": "151572.00"}, actor=ACTOR)
    assert activate_version(version, actor=ACTOR, now=NOW).state == "ACTIVE"


def test_no_activation_without_a_term(contract):
    version = new_version(contract, first_day=date(2026, 1, 1), actor=ACTOR, now=NOW)
    with pytest.raises(Refused, match="the version has no term"):
        activate_version(version, actor=ACTOR, now=NOW)


@pytest.mark.parametrize(
    ("key", "parameters", "message"),
    [
        (
            "tou_energy@1",
            {"calendar": "NONE", "prices": [{"period": "ON", "price": "1"}]},
            "line 20: there is no calendar 'NONE'",
        ),
        ("index_adder@1", {"index": "HUB"}, "line 20: there is no index series 'HUB'"),
        (
            "fixed_energy@1",
            {"price": "50", "escalator": "FROM_BASE", "escalator_ratio": "0.5"},
            "line 20: price would exceed 10^6 in 2051",
        ),
    ],
)
def test_no_activation_while_a_term_points_nowhere(draft, key, parameters, message):
    add_term(
        draft,
        line_code=20,
        charge_type_key=key,
        label="Second",
        parameters=parameters,
        actor=ACTOR,
    )
    with pytest.raises(Refused) as caught:
        activate_version(draft, actor=ACTOR, now=NOW)
    assert [finding.message for finding in caught.value.findings] == [message]


def test_no_activation_while_lines_rest_on_each_other_out_of_order(draft):
    """The database test of contracts.calc.line_rules, which has the cases."""
    minimum = {"minimum": "1", "lines": [10, 99], "part_month": "WHOLE"}
    add_term(
        draft, line_code=60, charge_type_key="minimum_bill@1", label="Minimum",
        parameters=minimum, actor=ACTOR,
    )  # fmt: skip
    with pytest.raises(Refused) as caught:
        activate_version(draft, actor=ACTOR, now=NOW)
    [found] = caught.value.findings
    assert found.message.startswith("line 60: it rests on line 99, which the version does not have")


def test_an_open_version_ends_where_the_next_one_begins(contract, active):
    later = activate_version(next_version(contract, date(2026, 7, 1)), actor=ACTOR, now=NOW)
    active.refresh_from_db()
    assert active.valid == DateRange(date(2026, 1, 1), date(2026, 7, 1))
    assert queries.version_in_force(contract, date(2026, 6, 30)) == active
    assert queries.version_in_force(contract, date(2026, 7, 1)) == later


def test_overlap_is_refused_and_names_the_other_version(contract, active):
    with pytest.raises(Refused) as caught:
        activate_version(next_version(contract, date(2025, 6, 1)), actor=ACTOR, now=NOW)
    assert caught.value.message == (
        "PPA-ALFA v2 (from 2025-06-01) overlaps version 1 (from 2026-01-01)"
    )


def test_a_version_that_is_replaced_whole_is_superseded(contract, active):
    replacing = next_version(contract, date(2026, 1, 1))
    activate_version(replacing, actor=ACTOR, now=NOW, supersede=True)
    active.refresh_from_db()
    assert active.state == "SUPERSEDED"


def test_the_database_itself_refuses_an_overlap(contract, active):
    version = next_version(contract, date(2026, 2, 1))
    with pytest.raises(IntegrityError, match="version_no_overlap"), transaction.atomic():
        ContractVersion.objects.filter(pk=version.pk).update(state="ACTIVE")


def test_nothing_is_borrowed_before_the_first_version(contract, active):
    with pytest.raises(Refused) as caught:
        queries.version_in_force(contract, date(2025, 12, 31))
    assert caught.value.message == "PPA-ALFA begins on 2026-01-01; 2025-12-31 is before that"


def test_a_draft_is_not_in_force(contract, draft):
    with pytest.raises(Refused, match="PPA-ALFA has no active version"):
        queries.version_in_force(contract, date(2026, 3, 1))


def test_an_active_version_and_its_terms_cannot_change(active):
    attempts = [
        lambda: ContractVersion.objects.filter(pk=active.pk).update(note="other"),
        lambda: Term.objects.filter(version=active).update(parameters={"price": "1"}),
        lambda: Term.objects.filter(version=active).delete(),
        lambda: ContractVersion.objects.filter(pk=active.pk).update(
            valid=DateRange(date(2025, 1, 1), None)
        ),
        lambda: ContractVersion.objects.filter(pk=active.pk).update(state="DRAFT"),
    ]
    for attempt in attempts:
        with pytest.raises((DatabaseError, InternalError)), transaction.atomic():
            attempt()
    with pytest.raises(Conflict, match="PPA-ALFA v1 is active; make a new version instead"):
        add_term(
            active,
            line_code=11,
            charge_type_key="fixed_energy@1",
            label="More",
            parameters={"price": "1"},
            actor=ACTOR,
        )


def test_a_version_is_activated_once(active):
    with pytest.raises(Conflict, match="PPA-ALFA v1 is active, not a draft"):
        activate_version(active, actor=ACTOR, now=NOW)


def test_a_new_version_copies_terms_but_not_examples(contract, active):
    version = new_version(contract, first_day=date(2027, 1, 1), actor=ACTOR, now=NOW)
    assert version.number == 2
    assert [term.parameters["price"] for term in version.terms.all()] == ["50"]
    assert version.examples.count() == 0
    assert version.anchor_date == date(2026, 1, 1)


def test_versions_of_a_month_follow_each_other(contract, active):
    later = activate_version(next_version(contract, date(2026, 3, 15)), actor=ACTOR, now=NOW)
    found = queries.versions_of_period(contract, Period.month("America/Chicago", "2026-03"))
    assert [(each.version, each.first_date, each.last_date) for each in found] == [
        (active, date(2026, 3, 1), date(2026, 3, 14)),
        (later, date(2026, 3, 15), date(2026, 3, 31)),
    ]


def test_a_hole_between_versions_is_refused(contract, draft):
    ContractVersion.objects.filter(pk=draft.pk).update(
        valid=DateRange(date(2026, 1, 1), date(2026, 3, 10))
    )
    activate_version(draft, actor=ACTOR, now=NOW)
    activate_version(next_version(contract, date(2026, 3, 20)), actor=ACTOR, now=NOW)
    with pytest.raises(Refused, match="PPA-ALFA has no active version on 2026-03-10"):
        queries.versions_of_period(contract, Period.month("America/Chicago", "2026-03"))


def test_examples_report_what_they_cannot_price(draft):
    add_example(draft, name="no line", inputs=EXAMPLE, expected={"77": "1.00"}, actor=ACTOR)
    add_example(draft, name="no month", inputs={"facts": {}}, expected={"10": "1.00"}, actor=ACTOR)
    add_example(draft, name="no cents", inputs=EXAMPLE, expected={"10": "1.001"}, actor=ACTOR)
    gap = {"period": "2026-03", "series": {"delivered": {"runs": [[2971, "1"], [1, None]]}}}
    add_example(draft, name="gap", inputs=gap, expected={"10": "1.00"}, actor=ACTOR)
    verdicts = {verdict.name: verdict.messages for verdict in run_examples(draft, now=NOW)}
    assert verdicts["March"] == ()
    assert verdicts["no line"] == ("the version has no line 77",)
    assert verdicts["no month"] == ("the example names no period, such as 2026-03",)
    assert verdicts["no cents"] == ("line 10: '1.001' is not an amount in quotes",)
    assert verdicts["gap"][0].startswith("line 10: agreed 1.00, no amount because 'delivered' has")
    assert verdicts["gap"][0].endswith("Estimate or enter the readings, then calculate again.")
    assert draft.examples.get(name="March").last_verdict == "PASS"
    assert draft.examples.get(name="gap").last_verdict == "FAIL"


def test_wrong_fields_are_refused_with_their_name(contract):
    with pytest.raises(Refused, match="the last day 2026-01-01 is before 2026-02-01"):
        new_version(
            contract,
            first_day=date(2026, 2, 1),
            last_day=date(2026, 1, 1),
            actor=ACTOR,
            now=NOW,
        )


def test_line_codes_are_given_once(draft):
    with pytest.raises(Refused, match="already exists"):
        add_term(
            draft,
            line_code=10,
            charge_type_key="fixed_energy@1",
            label="Again",
            parameters={"price": "1"},
            actor=ACTOR,
        )


def person(name):
    return Actor.of_user(User.objects.create(username=name, role="administrator", is_staff=True))


def test_whoever_wrote_in_a_draft_is_no_second_person(contract, active):
    ann, bea, cid = person("ann"), person("bea"), person("cid")
    version = new_version(contract, first_day=date(2026, 7, 1), actor=ann, now=NOW)
    add_example(version, name="March", inputs=EXAMPLE, expected={"10": "148600.00"}, actor=bea)
    change_term(version.terms.get(), label="Energy, all hours", actor=bea)
    assert version.writers == ["user:ann", "user:bea"]
    for writer in (ann, bea):
        with pytest.raises(Forbidden, match="You wrote in PPA-ALFA v2; somebody else activates"):
            activate_version(version, actor=writer, now=NOW)
    with pytest.raises(Forbidden, match="A person wrote PPA-ALFA v2; another person activates"):
        activate_version(version, actor=ACTOR, now=NOW)
    row = ContractVersion.objects.filter(pk=version.pk)
    for way in (
        {"state": "ACTIVE", "activated_by": "user:bea", "activated_at": NOW},
        {"state": "ACTIVE", "activated_by": "system:test", "activated_at": NOW},
        {"state": "ACTIVE", "activated_at": NOW},
        {"writers": []},
    ):
        said = r"did not write in it|stays noted"
        with pytest.raises(DatabaseError, match=said), transaction.atomic():
            row.update(**way)
    assert activate_version(version, actor=cid, now=NOW).activated_by == "user:cid"
