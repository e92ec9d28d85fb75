"""Personal values: recognisable, and not usable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staff import masking


class TestMasking:
    @pytest.mark.parametrize(
        ("masked", "expected"),
        [
            (masking.mask_account("12345678"), "••••5678"),
            (masking.mask_account("0110012345678901234567"), "••••4567"),
            (masking.mask_account("1234"), "••••4"),
            (masking.mask_account("12"), "••••"),
            (masking.mask_account(""), ""),
            (masking.mask_email("james@example.com"), "j••••@e••••.com"),
            (masking.mask_email("a@localhost"), "a••••@l••••"),
            (masking.mask_email("no address"), "n•••• a••••"),
            (masking.mask_email(""), ""),
            (masking.mask_phone("+61412345678"), "+61••••678"),
            (masking.mask_phone("12345"), "••••5"),
            (masking.mask_phone(""), ""),
            (masking.mask_name("James Smith"), "J•••• S••••"),
            (masking.mask_name(""), ""),
            (masking.mask_name("\u202eJames Smith"), "⟨U+202E⟩•••• S••••"),
            (masking.mask_payid("james@example.com", "email"), "j••••@e••••.com"),
            (masking.mask_payid("+61412345678", "phone"), "+61••••678"),
            (masking.mask_payid("51824753556", "abn"), "••••3556"),
        ],
    )
    def test_shows_only_a_little(self, masked: str, expected: str) -> None:
        assert masked == expected

    @given(st.text(alphabet="0123456789", min_size=1, max_size=40))
    def test_hides_at_least_half_of_an_account(self, account: str) -> None:
        shown = masking.mask_account(account).removeprefix(masking.DOTS)

        assert len(shown) <= min(4, len(account) / 2)


class TestFreeText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Said by james@example.com.", "Said by j••••@e••••.com."),
            ("<james@example.com>, (amara@b.example)", "<j••••@e••••.com>, (a••••@b••••.example)"),
            ("To 123456789012, please", "To ••••9012, please"),
            ("At 14:02 on 2026-02-18, 3 of 4 @ home", "At 14:02 on 2026-02-18, 3 of 4 @ home"),
        ],
    )
    def test_repeats_no_account_and_no_address(self, text: str, expected: str) -> None:
        assert masking.mask_accounts_in(text) == expected
