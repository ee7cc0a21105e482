from contracts.calc.differences import SaidTerm, changed, differences


def said(code=10, price="50", label="Energy", **more):
    parameters = {"price": price, "steps": [{"from_kw": "1", "rate": "2"}]}
    fields = {"parameters": parameters, **more}
    sentence = f"{price} per MWh"
    return SaidTerm(
        code, label, "fixed_energy@1", "delivered", "4", "", fields["parameters"], sentence
    )


def test_added_removed_changed_and_same_lines_in_order_of_codes():
    before = [said(20), said(10), said(30)]
    after = [said(20, price="52"), said(30), said(15)]
    found = differences(before, after)
    assert [(one.line_code, one.kind) for one in found] == [
        (10, "removed"),
        (15, "added"),
        (20, "changed"),
        (30, "same"),
    ]
    [field] = found[2].fields
    assert (field.name, field.before, field.after) == ("price", "50", "52")
    assert (found[2].before, found[2].after) == ("50 per MWh", "52 per MWh")


def test_entries_of_lists_and_fields_of_the_clause_are_named():
    more = {"price": "50", "steps": [{"from_kw": "1", "rate": "3"}, {"from_kw": "9", "rate": "4"}]}
    [one] = differences([said()], [said(label="Energy charge", parameters=more)])
    assert [(f.name, f.before, f.after) for f in one.fields] == [
        ("text on the invoice", "Energy", "Energy charge"),
        ("steps 1 rate", "2", "3"),
        ("steps 2 from kw", "", "9"),
        ("steps 2 rate", "", "4"),
    ]
    assert next(iter(changed({"on": True, "empty": None}, {"on": False}))).after == "no"
