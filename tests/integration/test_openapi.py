"""Requests generated from the OpenAPI document, valid and invalid: each gets a documented response.

``make fuzz-api`` sends more of them: FUZZ_EXAMPLES for each operation.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.running import Running
from tests.photos import file_of, photo

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))

PHOTO = file_of(photo(48, 32))


@pytest.fixture(scope="module")
def front_end(service: Running) -> Iterator[FrontEnd]:
    assert service.url
    with run_front_end(
        service.redis_url,
        FETCH_KEYS="0123456789abcdef",
        FETCH_HOSTS="photos.example",
        MAX_UPLOAD_BYTES="100000",
    ) as running:
        yield running


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_conforms_to_its_description(
    front_end: FrontEnd, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{front_end.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 6
    for operation in operations:
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            check(strategy)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # without parameters nothing can be invalid
    requests = [line for line in front_end.lines if '"status"' in line]
    print(f"\n{mode.value}: {len(requests)} requests so far")
    assert not any('"status": 500' in line for line in requests)


def check(strategy: Any) -> None:
    """Send requests and check the responses against the document."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy, with_photo=booleans())
    def send(case: schemathesis.Case, with_photo: bool) -> None:
        if with_photo and case.media_type == "application/octet-stream":
            case.body = PHOTO
        # A schema can't describe a photo: random bytes are rightly refused.
        excluded: list[Any] = [positive_data_acceptance]
        if case.media_type == "multipart/form-data":
            # A list of one number, which is invalid, is sent as the number itself, which is valid.
            excluded.append(negative_data_rejection)
        case.call_and_validate(timeout=30, excluded_checks=excluded)

    send()
