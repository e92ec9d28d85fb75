"""Finding one thing by what somebody read out on the phone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import search as finding
from payments.sight import MAY_SEE, Sight
from staff.permissions import permission_required


@require_safe
@permission_required(*MAY_SEE)
def search(request: HttpRequest) -> HttpResponse:
    """What begins with these letters, or is exactly them."""
    text = request.GET.get("q", "").strip()
    sight = Sight.of(request.user)
    context = {
        "q": text,
        "found": finding.find(text, sight=sight),
        "least": finding.LEAST,
        "sight": sight,
    }
    return render(request, "search.html", context)
