"""The tree of errors is complete and unambiguous."""

from contract.errors import ClientError, ServiceError, index_by_code


def test_each_code_belongs_to_one_error() -> None:
    assert len(index_by_code()) == len(index_by_code(ClientError)) + len(
        index_by_code(ServiceError)
    )


def test_each_error_has_a_status_and_a_title() -> None:
    for error in index_by_code().values():
        assert 400 <= error.status <= 599
        assert error.title


def test_client_errors_have_a_4xx_status() -> None:
    assert all(error.status < 500 for error in index_by_code(ClientError).values())


def test_temporary_errors_say_when_to_retry() -> None:
    temporary = {code for code, error in index_by_code().items() if error.retry_after_s}
    assert temporary == {
        *("job-unfinished", "queue-full", "key-limit", "no-worker", "queue-unavailable"),
    }
