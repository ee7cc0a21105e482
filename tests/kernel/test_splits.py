"""Splits: closing, mirroring, order, and array speed against Python integers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel import splits
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.splits import split, split_grid

WEIGHTS = st.lists(st.integers(0, 10**13), min_size=1, max_size=9)
TOTAL = st.integers(-(10**15), 10**15)


def codes_for(count):
    return [f"T{at:02d}" for at in range(count)]


class TestSplit:
    @given(TOTAL, WEIGHTS.filter(any))
    def test_closes(self, total, weights):
        assert sum(split(total, weights, codes_for(len(weights)))) == total

    @given(TOTAL, WEIGHTS.filter(any))
    def test_gives_everyone_less_than_one_unit_off_the_exact_share(self, total, weights):
        parts = split(total, weights, codes_for(len(weights)))

        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total * weight, sum(weights))) < 1
            assert weight or part == 0

    @given(TOTAL, WEIGHTS.filter(any))
    def test_mirrors_a_credit(self, total, weights):
        codes = codes_for(len(weights))

        assert split(-total, weights, codes) == [-part for part in split(total, weights, codes)]

    @given(TOTAL, WEIGHTS.filter(any), st.randoms())
    def test_does_not_depend_on_the_order_of_members(self, total, weights, random):
        codes = codes_for(len(weights))
        members = list(zip(codes, weights, strict=True))
        expected = dict(zip(codes, split(total, weights, codes), strict=True))

        random.shuffle(members)
        shuffled = split(total, [w for _, w in members], [c for c, _ in members])

        assert dict(zip([c for c, _ in members], shuffled, strict=True)) == expected

    @given(st.integers(0, 10**9), WEIGHTS.filter(any))
    def test_gives_a_larger_weight_at_least_as_much(self, total, weights):
        parts = split(total, weights, codes_for(len(weights)))

        for part, weight in zip(parts, weights, strict=True):
            assert all(
                other <= part + 1 for other, w in zip(parts, weights, strict=True) if w <= weight
            )

    @pytest.mark.parametrize(
        ("weights", "codes", "message"),
        [
            ([0, 0], ["A", "B"], "All weights are zero, so nobody can take 5"),
            ([1, -1], ["A", "B"], "A weight is negative"),
            ([1, 1], ["A", "A"], "A code stands twice"),
            ([1], ["A", "B"], "1 weights for 2 codes"),
            ([], [], "There is nobody to share with"),
            ([Fraction(1, 2), 1], ["A", "B"], "Weights are whole numbers"),
        ],
    )
    def test_says_why_it_cannot(self, weights, codes, message):
        with pytest.raises(Refused, match=message):
            split(5, weights, codes)

    def test_nothing_to_share_needs_no_weight(self):
        assert split(0, [0, 0], ["A", "B"]) == [0, 0]


class TestWorkedExamples:
    """settlement.md, appendix A."""

    def test_b01_loss_in_kwh_and_cost_in_cents(self):
        codes = ["ALFA", "BRAVO", "CHARLIE"]
        use_kwh = [4_120_400, 3_305_150, 2_390_700]

        loss = split(183_750, use_kwh, codes)
        adjusted = [use + part for use, part in zip(use_kwh, loss, strict=True)]
        cost = split(61_234_567, adjusted, codes)

        assert loss == [77_130, 61_869, 44_751]
        assert adjusted == [4_197_530, 3_367_019, 2_435_451]
        assert cost == [25_703_393, 20_617_795, 14_913_379]

    def test_b03_equal_thirds_and_their_credit(self):
        codes = ["ALFA", "BRAVO", "CHARLIE"]

        assert split(10_000_000, [1, 1, 1], codes) == [3_333_334, 3_333_333, 3_333_333]
        assert split(-10_000_000, [1, 1, 1], codes) == [-3_333_334, -3_333_333, -3_333_333]

    def test_b07_equal_mw_days_and_area(self):
        codes = ["ALFA", "BRAVO", "CHARLIE"]

        assert split(9_000_000, [1800, 1350, 450], codes) == [4_500_000, 3_375_000, 1_125_000]
        assert split(9_000_000, [182_000, 96_500, 41_250], codes) == [
            5_122_752,
            2_716_185,
            1_161_063,
        ]

    def test_b10_joint_venture(self):
        codes = ["DEVCO", "FUND", "HYPER"]

        assert split(248_133_719, [55, 15, 30], codes) == [136_473_545, 37_220_058, 74_440_116]
        assert split(173_300_247, [55, 15, 30], codes) == [95_315_136, 25_995_037, 51_990_074]
        weighted = split(248_133_719, [1550, 450, 1000], codes)
        assert weighted == [128_202_421, 37_220_058, 82_711_240]

    def test_b12_two_levels_keep_the_total(self):
        buildings = split(9_999_999, [3, 2], ["B1", "B2"])
        tenants = split(buildings[0], [1, 1], ["ALFA", "BRAVO"])
        tenants += split(buildings[1], [2, 1, 1], ["CHARLIE", "DELTA", "ECHO"])

        assert buildings == [5_999_999, 4_000_000]
        assert tenants == [3_000_000, 2_999_999, 2_000_000, 1_000_000, 1_000_000]

    def test_one_interval_of_the_walk(self):
        parts = split(25_307_500, [625, 375], ["A", "B"])

        assert parts == [15_817_188, 9_490_312]


@st.composite
def grids(draw):
    members = draw(st.integers(1, 6))
    columns = draw(st.integers(1, 8))
    weight = st.one_of(st.integers(0, 4), st.integers(0, 2**50), st.just(2**57))
    total = st.one_of(st.integers(-9, 9), st.integers(-(2**62), 2**62))
    weights = draw(
        st.lists(
            st.lists(weight, min_size=columns, max_size=columns), min_size=members, max_size=members
        )
    )
    weights[0] = [max(1, each) for each in weights[0]]
    totals = draw(st.lists(total, min_size=columns, max_size=columns))
    codes = draw(st.permutations(codes_for(members)))
    return np.array(totals, dtype=np.int64), np.array(weights, dtype=np.int64), codes


class TestSplitGrid:
    @settings(max_examples=300)
    @given(grids())
    def test_equals_the_python_integer_split_in_every_column(self, grid):
        totals, weights, codes = grid

        parts = split_grid(totals, weights, codes)

        for at, total in enumerate(totals.tolist()):
            assert parts[:, at].tolist() == split(total, weights[:, at].tolist(), codes)

    @pytest.mark.parametrize("seed", range(4))
    def test_equals_it_over_many_random_columns(self, seed):
        random = np.random.default_rng(seed)
        bits = random.integers(1, 57, (5, 400))
        weights = random.integers(0, 2**bits)
        weights[0] += 1
        totals = random.integers(-(2**62), 2**62, 400) >> random.integers(0, 50, 400)
        codes = ["E", "B", "D", "A", "C"]

        parts = split_grid(totals, weights, codes)

        expected = [
            split(int(total), [int(w) for w in weights[:, at]], codes)
            for at, total in enumerate(totals)
        ]
        assert parts.T.tolist() == expected

    def test_falls_back_to_integers_for_very_large_weights(self):
        weights = np.array([[2**62], [2**62 - 1]], dtype=np.int64)

        parts = split_grid(np.array([2**62 + 1]), weights, ["A", "B"])

        assert parts[:, 0].tolist() == split(2**62 + 1, [2**62, 2**62 - 1], ["A", "B"])

    def test_falls_back_to_integers_without_an_extended_float(self, monkeypatch):
        monkeypatch.setattr(splits, "_HAS_LONG_DOUBLE", False)

        assert split_grid(np.array([5]), np.array([1, 1]), ["A", "B"]).tolist() == [[3], [2]]

    def test_takes_one_weight_per_member_for_all_columns(self):
        parts = split_grid(np.array([10, -10]), np.array([5, 3]), ["A", "B"])

        assert parts.tolist() == [[6, -6], [4, -4]]

    def test_uses_the_fallback_only_where_nobody_has_weight(self):
        weights = np.array([[0, 1, 0], [0, 0, 0]])

        parts = split_grid(
            np.array([9, 9, 0]), weights, ["A", "B"], fallback_weights=np.array([1, 2])
        )

        assert parts.tolist() == [[3, 9, 0], [6, 0, 0]]

    def test_refuses_where_nobody_has_weight(self):
        with pytest.raises(Refused, match="In 1 of 2 intervals all weights are zero") as refused:
            split_grid(np.array([0, 9]), np.zeros((2, 2), dtype=np.int64), ["A", "B"])

        assert refused.value.data["first"] == 1

    @pytest.mark.parametrize(
        ("totals", "weights", "message"),
        [
            ([MISSING], [[1]], "A missing total cannot be split"),
            ([1], [[-1]], "A weight is negative"),
        ],
    )
    def test_refuses_missing_totals_and_negative_weights(self, totals, weights, message):
        with pytest.raises(Refused, match=message):
            split_grid(np.array(totals), np.array(weights), ["A"])


@pytest.mark.parametrize("size", [10**6 + 7, 2**50 - 1, 2**50 + 1, 2**60 + 3])
def test_many_equal_remainders_go_to_the_first_codes_like_one_by_one(size):
    codes = [f"M{at:03d}" for at in range(60)]
    weights = np.array([[1 + at % 3] for at in range(60)], dtype=np.int64)

    parts = split_grid(np.array([size]), weights, codes)[:, 0].tolist()

    assert parts == split(size, weights[:, 0].tolist(), codes)
