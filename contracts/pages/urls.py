"""Addresses of the work pages of contracts, below /office/."""

from django.urls import path

from contracts.pages import contracts, events, prices

urlpatterns = [
    path("contracts/", contracts.ContractList.as_view(), name="office-contracts"),
    path("contracts/<slug:code>/", contracts.ContractPage.as_view(), name="office-contract"),
    path("contracts/<slug:code>/events/", events.EventPage.as_view(), name="office-events"),
    path("prices/<str:code>/", prices.PricePage.as_view(), name="office-prices"),
    path("prices/<str:code>/series.json", prices.PriceChart.as_view(), name="office-prices-series"),
]
