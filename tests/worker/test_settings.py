"""The error for an invalid setting names it and says what is allowed."""

import pytest
from pydantic import ValidationError

from worker.settings import WorkerSettings, describe_errors


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MAX_BATCH_SIZE", "0", "at least 1"),
        ("MAX_BATCH_SIZE", "many", "a whole number"),
        ("MAX_LINGER_MS", "1001", "at most 1000.0"),
        ("DEVICE", "tpu", "one of 'auto', 'cpu' or 'cuda'"),
    ],
)
def test_an_error_names_the_setting_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        WorkerSettings()
    assert describe_errors(caught.value) == [f"{name} is {value!r}; allowed: {allowed}"]
