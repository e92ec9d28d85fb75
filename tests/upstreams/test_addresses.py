"""Addresses that a provider would be told to call (proof X-8, X-9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.addresses import problem

OURS = ("hooks.example.com", "Pay.Example.com")


class TestProblem:
    @pytest.mark.parametrize(
        "url",
        [
            "https://hooks.example.com/luxcore",
            "https://hooks.example.com:443/luxcore?shop=7&x=%20",
            "https://hooks.example.com.",
            "https://xn--mnchen-3ya.example/",
            "https://a.b.c.d.example.co.uk/",
            "https://1.example.com/",
            "HTTPS://HOOKS.EXAMPLE.COM/",
            "https://example.com/" + "x" * (2048 - len("https://example.com/")),
        ],
    )
    def test_is_nothing_for_a_public_host(self, url: str) -> None:
        assert problem(url, hosts=()) == ""

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("", "plain ASCII"),
            ("http://hooks.example.com/", "https://"),
            ("ftp://hooks.example.com/", "https://"),
            ("//hooks.example.com/", "https://"),
            ("hooks.example.com", "https://"),
            ("https:hooks.example.com", "not the name"),
            ("https://", "not the name"),
            ("https:///path", "not the name"),
            ("https://user@hooks.example.com/", "user name"),
            ("https://user:secret@hooks.example.com/", "user name"),
            ("https://hooks.example.com@127.0.0.1/", "user name"),
            ("https://hooks.example.com:6379/", "port"),
            ("https://hooks.example.com:80/", "port"),
            ("https://hooks.example.com:8443/", "port"),
            ("https://hooks.example.com:/", "port"),
            ("https://hooks.example.com:99999/", "not an address"),
            ("https://hooks.example.com:x/", "not an address"),
            ("https://127.0.0.1/", "IP address"),
            ("https://127.1/", "IP address"),
            ("https://10.0.0.8/", "IP address"),
            ("https://172.16.0.1/", "IP address"),
            ("https://192.168.1.1/", "IP address"),
            ("https://169.254.169.254/latest/meta-data/", "IP address"),
            ("https://100.64.0.1/", "IP address"),
            ("https://0.0.0.0/", "IP address"),
            ("https://8.8.8.8/", "IP address"),
            ("https://2130706433/", "IP address"),
            ("https://0x7f000001/", "IP address"),
            ("https://0x7f.0.0.1/", "IP address"),
            ("https://0x7f.0.0.0x1/", "IP address"),
            ("https://0177.0.0.01/", "IP address"),
            ("https://017700000001/", "IP address"),
            ("https://127.0.0.1./", "IP address"),
            ("https://[::1]/", "IP address"),
            ("https://[::ffff:127.0.0.1]/", "IP address"),
            ("https://[::ffff:7f00:1]/", "IP address"),
            ("https://[64:ff9b::7f00:1]/", "IP address"),
            ("https://[fe80::1]/", "IP address"),
            ("https://[fd00::1]/", "IP address"),
            ("https://[2001:db8::1]/", "IP address"),
            ("https://[::1", "not an address"),
            ("https://localhost/", "private network"),
            ("https://LOCALHOST./", "private network"),
            ("https://printer/", "private network"),
            ("https://desk.localhost/", "private network"),
            ("https://desk.local/", "private network"),
            ("https://metadata.google.internal/", "private network"),
            ("https://router.home.arpa/", "private network"),
            ("https://%6cocalhost/", "not the name"),
            ("https://hooks..example.com/", "not the name"),
            ("https://-hooks.example.com/", "not the name"),
            ("https://hooks_.example.com/", "not the name"),
            ("https://hooks.example.com\\@127.0.0.1/", "plain ASCII"),
            ("https://hooks.example.com/a b", "plain ASCII"),
            ("https://hooks.example.com/\r\nHost: x", "plain ASCII"),
            (" https://hooks.example.com/", "plain ASCII"),
            ("https://hooks.example.com/\t", "plain ASCII"),
            ("https://münchen.example/", "plain ASCII"),
            ("https://１２７.0.0.1/", "plain ASCII"),
            ("https://127。0。0。1/", "plain ASCII"),
            ("https://hooks.example.com/#part", "#"),
            ("https://" + "a" * 64 + ".example.com/", "not the name"),
            ("https://example.com/" + "x" * 2048, "2048"),
        ],
    )
    def test_is_told_in_words(self, url: str, why: str) -> None:
        assert why in str(problem(url, hosts=()))

    @pytest.mark.parametrize("host", ["hooks.example.com", "HOOKS.example.com.", "pay.example.com"])
    def test_is_nothing_for_a_host_of_ours(self, host: str) -> None:
        assert problem(f"https://{host}/x", hosts=OURS) == ""

    @pytest.mark.parametrize("host", ["example.com", "a.hooks.example.com", "evil.example"])
    def test_is_any_other_host_where_ours_are_named(self, host: str) -> None:
        assert "hooks.example.com" in str(problem(f"https://{host}/x", hosts=OURS))

    @given(st.text(max_size=60))
    def test_never_breaks(self, text: str) -> None:
        assert isinstance(str(problem(f"https://{text}", hosts=())), str)
