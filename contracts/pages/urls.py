"""Addresses of the work pages of contracts, below /office/."""

from django.urls import path

from contracts.pages import contracts, events, examples, prices, takeover, terms, workspace

ONE = "contracts/<slug:code>/"
VERSION = f"{ONE}versions/<int:number>/"

urlpatterns = [
    path("contracts/", contracts.ContractList.as_view(), name="office-contracts"),
    path("diary/", takeover.DiaryPage.as_view(), name="office-diary"),
    path(ONE, workspace.ContractPage.as_view(), name="office-contract"),
    path(
        f"{ONE}difference/", workspace.DifferencePage.as_view(), name="office-contract-difference"
    ),
    path(f"{ONE}versions/new/", terms.NewVersionPage.as_view(), name="office-version-new"),
    path(f"{VERSION}terms/new/", terms.TermPage.as_view(), name="office-term-new"),
    path(f"{VERSION}terms/<int:pk>/", terms.TermPage.as_view(), name="office-term"),
    path(f"{VERSION}examples/new/", examples.ExamplePage.as_view(), name="office-example-new"),
    path(f"{VERSION}examples/<int:pk>/", examples.ExamplePage.as_view(), name="office-example"),
    path(f"{ONE}take-over/", takeover.TakeOverPage.as_view(), name="office-take-over"),
    path(f"{ONE}events/", events.EventPage.as_view(), name="office-events"),
    path(f"{ONE}yaml/", takeover.ContractYaml.as_view(), name="office-contract-yaml"),
    path(
        f"{ONE}documents/<int:pk>/",
        takeover.DocumentFile.as_view(),
        name="office-contract-document",
    ),
    path("prices/<str:code>/", prices.PricePage.as_view(), name="office-prices"),
    path("prices/<str:code>/series.json", prices.PriceChart.as_view(), name="office-prices-series"),
]
