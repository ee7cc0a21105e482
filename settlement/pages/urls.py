"""Addresses of the work pages of settlement, below /office/."""

from django.urls import path

from settlement.pages import (
    balance,
    closing,
    compare,
    desk_checks,
    flows,
    money,
    owners,
    run,
    runs,
    split,
    statements,
    what_if,
)

urlpatterns = [
    path("settlement/", runs.RunList.as_view(), name="office-settlement"),
    path("settlement/close/", closing.ClosePage.as_view(), name="office-close"),
    path("settlement/<int:pk>/", run.RunPage.as_view(), name="office-run"),
    path("settlement/<int:pk>/compare/", compare.ComparePage.as_view(), name="office-run-compare"),
    path("settlement/<int:pk>/what-if/", what_if.AskPage.as_view(), name="office-what-if-ask"),
    path("settlement/what-if/<int:pk>/", what_if.AnswerPage.as_view(), name="office-what-if"),
    path("settlement/lines/<int:pk>/", runs.LinePage.as_view(), name="office-line"),
    path("settlement/pools/", money.PoolList.as_view(), name="office-pools"),
    path(
        "settlement/pools/<str:campus>/<slug:code>/<str:period>/",
        money.PoolPage.as_view(),
        name="office-pool",
    ),
    path("settlement/owners/", owners.OwnershipList.as_view(), name="office-owners"),
    path(
        "settlement/owners/<str:campus>/<str:period>/",
        owners.OwnersPage.as_view(),
        name="office-owners-month",
    ),
    path(
        "contracts/<slug:code>/desk-checks/",
        desk_checks.DeskChecks.as_view(),
        name="office-desk-checks",
    ),
    path("desk-checks/<int:pk>/", desk_checks.DeskCheckPage.as_view(), name="office-desk-check"),
    path(
        "contracts/<slug:code>/statements/",
        statements.Statements.as_view(),
        name="office-statements",
    ),
    path("disputes/", statements.DisputeList.as_view(), name="office-disputes"),
    path("statements/<int:pk>/", statements.StatementPage.as_view(), name="office-statement"),
    path("campus/<slug:code>/<str:day>/", balance.BalanceDay.as_view(), name="office-balance"),
    path("campus/<slug:code>/<str:when>/flows/", flows.FlowsPage.as_view(), name="office-flows"),
    path(
        "campus/<slug:code>/<str:when>/allocation/", split.SplitPage.as_view(), name="office-split"
    ),
    path(
        "campus/<slug:code>/<str:day>/series.json",
        balance.BalanceSeries.as_view(),
        name="office-balance-series",
    ),
]
