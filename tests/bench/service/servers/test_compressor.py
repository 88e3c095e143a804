from bench.service.servers import compressor
from bench.service.servers.compressor import parse_settings
from worker import __main__ as worker_main
from worker.settings import WorkerSettings


def test_rivals_run_as_the_worker_does() -> None:
    assert compressor.SWITCH_INTERVAL_S == worker_main.SWITCH_INTERVAL_S
    assert WorkerSettings.model_fields["max_linger_ms"].default == compressor.MAX_WAIT_MS
    assert WorkerSettings.model_fields["max_batch_size"].default == compressor.MAX_BATCH_SIZE


def test_rivals_get_the_options_of_the_query() -> None:
    settings = parse_settings("quality=50&target=size&progressive=false")
    assert (settings.quality, settings.target, settings.progressive) == (50, "size", False)
    assert parse_settings("").target == "quality"
