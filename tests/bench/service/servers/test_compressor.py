from bench.service.servers import compressor
from bench.service.servers.compressor import parse_settings
from worker import __main__ as worker_main
from worker.settings import WorkerSettings


def test_rivals_have_the_worker_s_settings() -> None:
    assert compressor.SWITCH_INTERVAL_S == worker_main.SWITCH_INTERVAL_S
    assert WorkerSettings.model_fields["max_linger_ms"].default == compressor.MAX_WAIT_MS
    assert WorkerSettings.model_fields["max_batch_size"].default == compressor.MAX_BATCH_SIZE


def test_the_query_sets_the_encoder_s_options() -> None:
    settings = parse_settings("quality=50&target=size&progressive=false")
    assert (settings.quality, settings.target, settings.progressive) == (50, "size", False)
    assert parse_settings("").target == "quality"
