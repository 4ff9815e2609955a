"""Handle control API requests about faults, flood limits, the clock and processes."""

from sandbox.telegram import passing_time
from sandbox.telegram.control.request import ControlRequest, Processes
from sandbox.telegram.errors import ControlError
from sandbox.telegram.faults import KINDS, Fault
from sandbox.telegram.persistence import Json
from sandbox.telegram.registry import METHODS

SIGKILL = 9
LARGEST_SIGNAL = 64
# The longest move of the clock in one request: ten years, in seconds.
LONGEST_MOVE = 10 * 366 * 86400


async def add_fault(request: ControlRequest) -> Json:
    """Set a fault, which makes later calls of a Bot API method go wrong."""
    unknown = request.body.keys() - set(Fault.__dataclass_fields__)
    if unknown or "id" in request.body:
        raise ControlError("a fault has no such field: " + ", ".join(sorted(unknown | {"id"})))
    method = request.require("method", str)
    if method != "*" and method.lower() not in METHODS:
        raise ControlError("there is no such method")
    kind = request.require("kind", str)
    if kind not in KINDS:
        raise ControlError(f"kind must be one of {', '.join(sorted(KINDS))}")
    chat_id = request.body.get("chat_id")
    if chat_id is not None and not isinstance(chat_id, int | str):
        raise ControlError("chat_id must be a number or a username")
    times = request.get("times", int)
    if times is not None and times < 1:
        raise ControlError("times must be at least 1")
    delay = request.body.get("delay_s")
    if delay is not None and not isinstance(delay, int | float):
        raise ControlError("delay_s must be a number")
    fault = request.state.faults.add(
        method=method,
        kind=kind,
        chat_id=chat_id,
        times=times or 1,
        delay_s=delay,
        retry_after=request.get("retry_after", int),
        description=request.get("description", str),
        error_code=request.get("error_code", int),
    )
    return {"id": fault.id}


async def clear_faults(request: ControlRequest) -> Json:
    """Remove all faults."""
    request.state.faults.clear()
    return {"ok": True}


async def set_limits(request: ControlRequest) -> Json:
    """Switch Telegram's flood limits on or off."""
    request.state.limits.enabled = request.require("enabled", bool)
    return {"enabled": request.state.limits.enabled}


async def move_clock(request: ControlRequest) -> Json:
    """Move the time forward in the database and in the simulated Telegram.

    Raises ControlError if `seconds` is below 0 or above LONGEST_MOVE.
    """
    seconds = request.body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ControlError("seconds must be a number")
    if not 0 <= seconds <= LONGEST_MOVE:
        raise ControlError("the clock moves forward only, by ten years at most")
    if request.context.move_clock is None:
        raise ControlError("no clock can be moved here", status=409)
    request.state.set("clock_shift", await request.context.move_clock(float(seconds)))
    passing_time.act(request.state)
    return {"clock_shift": request.state.shift, "now": request.state.now()}


def _require_processes(request: ControlRequest) -> Processes:
    if request.context.processes is None:
        raise ControlError("no processes are supervised here", status=409)
    return request.context.processes


async def kill_process(request: ControlRequest) -> Json:
    """Send a signal to a process, and return the ids of all running processes."""
    signal = request.get("signal", int)
    number = SIGKILL if signal is None else signal
    if not 1 <= number <= LARGEST_SIGNAL:
        raise ControlError("there is no such signal")
    processes = _require_processes(request)
    try:
        await processes.kill(request.path["name"], number)
    except KeyError:
        raise ControlError("there is no such process", status=404) from None
    return {"processes": processes.pids()}


async def start_process(request: ControlRequest) -> Json:
    """Start a killed process, and return the ids of all running processes."""
    processes = _require_processes(request)
    try:
        await processes.start(request.path["name"])
    except KeyError:
        raise ControlError("there is no such process", status=404) from None
    return {"processes": processes.pids()}
