"""How one person likes the desk: theme, letter keys, time zone, language."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from staff.models import User


class PreferencesForm(forms.ModelForm[User]):
    """Any of the preferences: what is not sent stays as it is."""

    class Meta:
        model = User
        fields = ("theme", "letter_keys", "time_zone", "language")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name in set(self.fields) - set(self.data):
            del self.fields[name]

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError("Choose a time zone by its name, such as Europe/Madrid.")
        return name

    def clean_language(self) -> str:
        code: str = self.cleaned_data["language"]
        if code and code not in dict(settings.LANGUAGES):
            raise forms.ValidationError("The desk does not speak this language.")
        return code


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    form = PreferencesForm(request.POST, instance=request.user)
    if not form.is_valid():
        return render(request, "dashboard/preferences_refused.html", {"form": form}, status=422)
    person = form.save(commit=False)
    if form.fields:
        person.save(update_fields=list(form.fields))
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204)
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Return the address the person came from, if it is one of ours; home otherwise."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("home")
