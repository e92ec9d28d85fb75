"""Every worked example of the payments guide is taken and answered in the documented shape."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.helpers import Bench, Json

EXAMPLES = json.loads((Path(__file__).parent / "guide_examples.json").read_text())
FORMS = {
    "transaction_id": re.compile(r"pay_[0-9]{10}_[a-z0-9]{8}"),
    "created_at": re.compile(r"2026-03-31T12:00:00Z"),
    "expires_at": re.compile(r"2026-03-31T12:1[05]:00Z"),
    "purpose": re.compile(r"Payment pay_[0-9]{10}_[a-z0-9]{8}"),
    "reference": re.compile(r"LXC-[A-Z0-9]{6}"),
    "redirect_url": re.compile(r"http://sandbox/pay/\w+\?sig=\w+&exp=[0-9]+"),
    "url": re.compile(r"http://sandbox/pay/\w+\?sig=\w+&exp=[0-9]+"),
}


def assert_like(documented: Json, answered: Json) -> None:
    """Every documented member is there, with its value or, where values vary, its form."""
    for name, value in documented.items():
        assert name in answered
        if isinstance(value, dict):
            assert_like(value, answered[name])
        elif name in FORMS:
            assert FORMS[name].fullmatch(answered[name]), (name, answered[name])
        elif name == "payid" and "lux-core.io" in value:
            assert re.fullmatch(r"pay-[0-9]{10}@lux-core\.io", answered[name])
        else:
            assert answered[name] == value, name


class TestPaymentsGuide:
    @pytest.mark.parametrize(
        "example",
        [e for e in EXAMPLES if "customer_id" not in e["request"]],
        ids=lambda e: e["title"],
    )
    def test_accepts_each_example(self, luxcore: Bench, example: Any) -> None:
        answer = luxcore.api.post("/payments", json=example["request"])

        assert answer.status_code == 201
        body = answer.json()
        assert_like(example["response"] or {}, body)
        given = example["request"].get("customer", {})
        assert {name: body["customer"][name] for name in given} == given

    def test_shows_no_documented_extra_in_withdrawals(self, luxcore: Bench) -> None:
        for example in EXAMPLES:
            if example["request"]["type"] != "withdrawal":
                continue
            reference = example["title"]
            body = luxcore.create(**example["request"] | {"merchant_reference": reference})

            extra = set(body) - set(example["response"])
            assert extra == {"customer", "customer_id"}
            assert set(body["payout"]) == set(example["response"]["payout"])

    def test_links_the_customer_named_by_id_and_leaves_it_unchanged(self, luxcore: Bench) -> None:
        (example,) = (e for e in EXAMPLES if "customer_id" in e["request"])
        first = luxcore.create(merchant_reference="first", customer={"name": "Somebody"})
        request = example["request"] | {"customer_id": first["customer_id"]}

        body = luxcore.api.post("/payments", json=request).json()

        assert body["customer_id"] == first["customer_id"]
        assert body["customer"]["name"] == "Somebody"
        assert body["customer"]["email"] is None

    def test_names_a_customer_it_does_not_know(self, luxcore: Bench) -> None:
        (example,) = (e for e in EXAMPLES if "customer_id" in e["request"])

        answer = luxcore.api.post("/payments", json=example["request"])

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "CUSTOMER_NOT_FOUND"
