"""What goes wrong, what time it is, and which processes run."""

from sandbox.control.world import Order, Processes
from sandbox.errors import ControlError
from sandbox.faults import KINDS, Fault
from sandbox.persistence import Json
from sandbox.registry import METHODS

SIGKILL = 9
LARGEST_SIGNAL = 64
# The clock is moved by at most this at once: ten years, in seconds.
FARTHEST = 10 * 366 * 86400


async def add_fault(order: Order) -> Json:
    """Let the next calls of a method go wrong."""
    unknown = order.body.keys() - set(Fault.__dataclass_fields__)
    if unknown or "id" in order.body:
        raise ControlError("a fault has no such field: " + ", ".join(sorted(unknown | {"id"})))
    method = order.need("method", str)
    if method != "*" and method.lower() not in METHODS:
        raise ControlError("there is no such method")
    kind = order.need("kind", str)
    if kind not in KINDS:
        raise ControlError(f"kind must be one of {', '.join(sorted(KINDS))}")
    chat_id = order.body.get("chat_id")
    if chat_id is not None and not isinstance(chat_id, int | str):
        raise ControlError("chat_id must be a number or a username")
    times = order.get("times", int)
    if times is not None and times < 1:
        raise ControlError("times must be at least 1")
    delay = order.body.get("delay_s")
    if delay is not None and not isinstance(delay, int | float):
        raise ControlError("delay_s must be a number")
    fault = order.state.faults.add(
        method=method,
        kind=kind,
        chat_id=chat_id,
        times=times or 1,
        delay_s=delay,
        retry_after=order.get("retry_after", int),
        description=order.get("description", str),
        error_code=order.get("error_code", int),
    )
    return {"id": fault.id}


async def clear_faults(order: Order) -> Json:
    """Everything works again."""
    order.state.faults.clear()
    return {"ok": True}


async def limits(order: Order) -> Json:
    """Telegram's flood limits, on or off."""
    order.state.limits.enabled = order.need("enabled", bool)
    return {"enabled": order.state.limits.enabled}


async def clock(order: Order) -> Json:
    """Move the time forward, the database's and Telegram's alike; never back."""
    seconds = order.body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ControlError("seconds must be a number")
    if not 0 <= seconds <= FARTHEST:
        raise ControlError("the clock moves forward only, by ten years at most")
    if order.world.move_clock is None:
        raise ControlError("no clock can be moved here", status=409)
    order.state.set("clock_shift", await order.world.move_clock(float(seconds)))
    return {"clock_shift": order.state.shift, "now": order.state.now()}


def _processes(order: Order) -> Processes:
    if order.world.processes is None:
        raise ControlError("no processes are supervised here", status=409)
    return order.world.processes


async def kill(order: Order) -> Json:
    """Send a signal to one of the product's processes; SIGKILL if none is named."""
    signal = order.get("signal", int)
    number = SIGKILL if signal is None else signal
    if not 1 <= number <= LARGEST_SIGNAL:
        raise ControlError("there is no such signal")
    processes = _processes(order)
    try:
        await processes.kill(order.path["name"], number)
    except KeyError:
        raise ControlError("there is no such process", status=404) from None
    return {"processes": processes.pids()}


async def start(order: Order) -> Json:
    """Start one of the product's processes again."""
    processes = _processes(order)
    try:
        await processes.start(order.path["name"])
    except KeyError:
        raise ControlError("there is no such process", status=404) from None
    return {"processes": processes.pids()}
