"""The negative list of Sigstore signatures: which test proves each case. The tests themselves stand elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[2]
_SIMPLE = "unit/signatures/test_simple_signing_verification.py"
_BUNDLE = "unit/signatures/test_bundle_verification.py"
_ATTESTED = "unit/signatures/test_attestation_verification.py"
_STORED = "unit/signatures/test_candidate_storage.py"
_KEYLESS = "unit/signatures/keyless/test_keyless_refusals.py"
_LOG = "unit/signatures/keyless/test_keyless_log_refusals.py"
_SIGNERS = "integration/workflow/test_keyless_signers.py"
_CONDUCT = "integration/hostile/test_hostile_conduct.py"
_REFERRERS = "contract/registry/test_referrers.py"

_PROOFS: dict[range | int, tuple[str, str]] = {
    1: (_SIMPLE, "test_case_1_and_63_other_bytes_than_declared"),
    range(2, 5): (_SIMPLE, "test_a_genuine_signature_over_bad_claims_is_refused"),
    5: (_SIMPLE, "test_case_5_another_reference_is_a_fact_and_no_reason_to_refuse"),
    6: (_SIMPLE, "test_a_genuine_signature_over_bad_claims_is_refused"),
    range(7, 9): (_SIMPLE, "test_case_7_and_8_other_spellings_of_the_signature"),
    9: (_SIMPLE, "test_case_9_a_signature_by_another_key"),
    10: ("unit/signatures/test_signing.py", "test_case_10_three_layers_and_only_the_third_is_good"),
    11: (
        "integration/workflow/test_what_hangs_on_images.py",
        "test_a_signature_manifest_with_more_layers_than_are_read_is_no_missing_signature",
    ),
    12: (_STORED, "test_what_the_manifest_alone_decides_is_never_fetched"),
    13: (_STORED, "test_an_index_carries_nothing_unless_a_tag_says_it_does"),
    14: (_SIMPLE, "test_case_14_a_signature_copied_from_another_image"),
    15: (_STORED, "test_what_the_manifest_alone_decides_is_never_fetched"),
    16: (_KEYLESS, "test_16_a_certificate_of_an_unknown_root_whatever_chain_it_brings"),
    17: (_KEYLESS, "test_17_nothing_says_when"),
    18: (_KEYLESS, "test_18_the_log_says_a_time_outside_the_certificate"),
    19: (_KEYLESS, "test_19_the_timestamp_is_outside_though_the_log_is_inside"),
    20: (_KEYLESS, "test_20_the_whole_chain_must_be_within_its_validity"),
    21: (_KEYLESS, "test_21_the_authority_was_no_longer_trusted"),
    22: (_KEYLESS, "test_22_exactly_one_sct_of_a_known_log"),
    23: (_KEYLESS, "test_23_the_ct_log_was_no_longer_trusted"),
    range(24, 26): (_KEYLESS, "test_24_25_a_certificate_that_is_not_for_signing"),
    26: (_KEYLESS, "test_26_a_certificate_of_not_exactly_one_name"),
    27: (_KEYLESS, "test_27_two_issuers_that_differ"),
    28: (_SIGNERS, "test_a_genuine_signature_by_somebody_else_fails"),
    29: ("unit/core/test_rules.py", "test_without_trusted_keys_nothing_is_signed_and_waiting_does_not_help"),
    30: ("unit/core/test_patterns.py", "test_expressions_that_ruin_backtracking_take_linear_time"),
    31: (_LOG, "test_31_an_entry_of_another_signature"),
    32: (_LOG, "test_32_an_entry_of_the_same_signature_and_another_certificate"),
    33: (_LOG, "test_33_a_kind_of_entry_that_is_not_known"),
    34: (_LOG, "test_34_a_promise_over_another_time_or_index"),
    35: (_LOG, "test_35_an_unknown_log"),
    36: (_LOG, "test_36_the_log_was_no_longer_trusted"),
    37: (_LOG, "test_37_a_proof_that_leads_elsewhere"),
    38: (_LOG, "test_38_only_the_log_itself_signs_its_checkpoint"),
    39: (_LOG, "test_39_one_entry_and_no_second"),
    40: (_LOG, "test_40_an_entry_of_rekor_2_needs_a_timestamp"),
    41: (_LOG, "test_41_a_time_that_nobody_signed_means_nothing"),
    42: (_KEYLESS, "test_42_a_timestamp_of_another_signature"),
    43: (_KEYLESS, "test_43_a_timestamp_alone_is_refused_where_the_root_names_logs"),
    range(44, 46): (_ATTESTED, "test_a_bad_envelope_is_refused_as_a_layer"),
    range(46, 51): (_ATTESTED, "test_a_genuine_signature_over_a_bad_statement_is_refused"),
    51: (_ATTESTED, "test_case_51_the_layer_names_another_predicate_and_the_statement_wins"),
    52: (_BUNDLE, "test_case_52_an_attestation_is_no_signature"),
    53: ("unit/core/test_attestation_rules.py", "test_answers"),
    54: (_SIGNERS, "test_54_what_is_unsigned_makes_no_signature"),
    range(55, 57): (_BUNDLE, "test_a_bad_bundle_is_refused"),
    57: (_BUNDLE, "test_case_57_the_hint_is_never_trusted"),
    58: (_BUNDLE, "test_case_58_a_key_id_that_differs_from_the_hint_is_an_anomaly"),
    range(59, 61): (_REFERRERS, "test_a_hand_written_fallback_index_is_read_too"),
    61: (_CONDUCT, "test_a_link_to_another_host_is_an_error_and_is_not_followed"),
    62: (_SIGNERS, "test_62_a_bundle_that_hangs_here_and_signs_another_image"),
    63: (_SIMPLE, "test_case_1_and_63_other_bytes_than_declared"),
    64: ("integration/workflow/test_uncertain.py", "test_an_outage_never_quarantines"),
    65: (_SIGNERS, "test_65_junk_beside_a_good_legacy_signature_hides_nothing"),
    66: (_SIGNERS, "test_66_more_junk_than_is_read_is_not_known_and_never_unsigned"),
    67: (_SIGNERS, "test_67_a_tag_that_moved_leaves_the_verdict_with_its_digest"),
}


def _cases() -> list[tuple[int, str, str]]:
    found = []
    for numbers, (file, name) in _PROOFS.items():
        found += [(number, file, name) for number in ([numbers] if isinstance(numbers, int) else numbers)]
    return found


def test_every_case_has_its_test() -> None:
    assert [number for number, *_ in _cases()] == list(range(1, 68))


@pytest.mark.parametrize(("number", "file", "name"), _cases())
def test_the_test_of_a_case_exists(number: int, file: str, name: str) -> None:
    assert f"\ndef {name}(" in (_TESTS / file).read_text(), f"case {number}: say where its test went"
