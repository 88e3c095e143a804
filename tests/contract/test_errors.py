"""The tree of errors is complete and unambiguous."""

from contract.errors import ClientError, FoveateError, ServiceError, leaves


def test_every_code_is_used_once() -> None:
    assert len(leaves()) == len(leaves(ClientError)) + len(leaves(ServiceError))


def test_every_leaf_says_status_and_title() -> None:
    for error in leaves().values():
        assert 400 <= error.status <= 599
        assert error.title


def test_a_clients_fault_is_a_4xx() -> None:
    assert all(error.status < 500 for error in leaves(ClientError).values())


def test_who_should_come_back_is_told_when() -> None:
    again = {code for code, error in leaves(FoveateError).items() if error.retry_after_s}
    assert again == {"job-unfinished", "queue-full", "no-worker", "queue-unavailable"}
