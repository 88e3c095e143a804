from bench.datasets.uploads import generate_photo, to_jpeg
from bench.service.servers.networks_alone import load_networks


def test_the_network_is_timed_beside_torch_in_float32() -> None:
    measure = load_networks([to_jpeg(generate_photo(96, 64, 0))])
    found = measure(0.01)
    assert found.keys() == {"cpu_ms", "torch_float32_cpu_ms"}
    # Both take turns, so neither is more than several times as expensive.
    assert 0.05 < found["cpu_ms"] / found["torch_float32_cpu_ms"] < 20
