"""When a failing dependency is left alone, and when it is tried again."""

from delivery.circuit import Circuit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def open_circuit(clock: Clock) -> Circuit:
    circuit = Circuit(threshold=3, interval=5.0, clock=clock)
    for _ in range(3):
        assert circuit.allows()
        circuit.failed()
    return circuit


def test_it_opens_after_failures_in_a_row():
    circuit = open_circuit(Clock())
    assert circuit.is_open
    assert not circuit.allows()


def test_a_success_between_failures_keeps_it_closed():
    circuit = Circuit(threshold=2)
    for _ in range(5):
        circuit.failed()
        circuit.succeeded()
    assert not circuit.is_open
    assert circuit.allows()


def test_an_open_one_lets_one_probe_through_per_interval():
    clock = Clock()
    circuit = open_circuit(clock)
    clock.now = 5.0
    assert [circuit.allows() for _ in range(3)] == [True, False, False]
    circuit.failed()
    clock.now = 9.9
    assert not circuit.allows()
    clock.now = 10.0
    assert circuit.allows()


def test_a_probe_that_succeeds_closes_it():
    clock = Clock()
    circuit = open_circuit(clock)
    clock.now = 5.0
    assert circuit.allows()
    circuit.succeeded()
    assert [circuit.allows() for _ in range(3)] == [True, True, True]


def test_a_probe_that_never_reports_does_not_shut_it_for_ever():
    clock = Clock()
    circuit = open_circuit(clock)
    clock.now = 5.0
    assert circuit.allows()
    clock.now = 10.0
    assert circuit.allows()
