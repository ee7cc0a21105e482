"""Addresses of the work pages of metering, below /office/."""

from django.urls import path

from meters.pages import (
    channels,
    edits,
    exports,
    findings,
    history,
    import_profiles,
    imports,
    metrology,
    plants,
    proposals,
    quality,
    quarantine,
    rehearsals,
    rereading,
    rules,
    sources,
    virtual,
    workbench,
)

urlpatterns = [
    path("imports/", imports.FileList.as_view(), name="office-imports"),
    path("imports/upload/", imports.Upload.as_view(), name="office-upload"),
    path("imports/<int:pk>/", imports.FilePage.as_view(), name="office-import"),
    path("imports/<int:pk>/again/", rereading.ReadAgain.as_view(), name="office-read-again"),
    path("profiles/", import_profiles.ProfileList.as_view(), name="office-import-profiles"),
    path(
        "profiles/new/", import_profiles.ProfileEditor.as_view(), name="office-import-profile-new"
    ),
    path(
        "profiles/<int:pk>/",
        import_profiles.ProfileEditor.as_view(),
        name="office-import-profile",
    ),
    path("rehearsals/<int:pk>/", rehearsals.RehearsalPage.as_view(), name="office-rehearsal"),
    path("sources/", sources.SourceList.as_view(), name="office-sources"),
    path("sources/<slug:code>/", sources.SourcePage.as_view(), name="office-source"),
    path("quarantine/", quarantine.QuarantineList.as_view(), name="office-quarantines"),
    path("quarantine/<int:pk>/", quarantine.Quarantine.as_view(), name="office-quarantine"),
    path("findings/", findings.FindingList.as_view(), name="office-findings"),
    path("findings/<int:pk>/", workbench.Workbench.as_view(), name="office-finding"),
    path(
        "findings/<int:pk>/series.json",
        workbench.FindingSeries.as_view(),
        name="office-finding-series",
    ),
    path("rules/<path:code>/", rules.RulesPage.as_view(), name="office-rules"),
    path("edits/", proposals.ProposalList.as_view(), name="office-proposals"),
    path("edits/<int:pk>/", proposals.ProposalPage.as_view(), name="office-proposal"),
    path(
        "edits/<int:pk>/series.json",
        proposals.ProposalSeries.as_view(),
        name="office-proposal-series",
    ),
    path("exports/", exports.ExportPage.as_view(), name="office-export"),
    path("exports/<int:pk>/file/", exports.ExportFile.as_view(), name="office-export-file"),
    path("quality/", quality.QualityPage.as_view(), name="office-quality"),
    path("metrology/", metrology.MetrologyPage.as_view(), name="office-metrology"),
    path("virtual/", virtual.VirtualList.as_view(), name="office-virtuals"),
    path("virtual/<path:code>/check/", virtual.VirtualCheck.as_view(), name="office-virtual-check"),
    path("virtual/<path:code>/", virtual.VirtualPage.as_view(), name="office-virtual"),
    path("plants/", plants.PlantsPage.as_view(), name="office-plants"),
    path("channels/", channels.ChannelList.as_view(), name="office-channels"),
    path(
        "channels/<path:code>/series.json",
        channels.ChannelSeries.as_view(),
        name="office-channel-series",
    ),
    path("channels/<path:code>/edit.json", edits.EditSeries.as_view(), name="office-edit-series"),
    path("channels/<path:code>/edit/", edits.EditPage.as_view(), name="office-edit"),
    path("channels/<path:code>/history/", history.HistoryPage.as_view(), name="office-history"),
    path("channels/<path:code>/", channels.ChannelPage.as_view(), name="office-channel"),
]
