"""Reads an AEDAT4 file in a process of its own: ``python -P aedat4_worker.py FILE OUT.npy MOST_EVENTS``.

The decoder (package ``aedat``) can end its whole process on a damaged file, so `event_files.read_aedat4` starts this
one and reads what it leaves. Exit code 3: standard error says what is wrong. Imports nothing of neurosim.
"""

import sys

import aedat
import numpy as np

EVENT = np.dtype([("x", "<i8"), ("y", "<i8"), ("t", "<i8"), ("p", "?")])


def events_of(file: str, most: int) -> np.ndarray:
    """The one event stream of ``file`` as columns wide enough for whatever stands in it. Raises ValueError."""
    decoder = aedat.Decoder(file)
    streams = [number for number, stream in decoder.id_to_stream().items() if stream["type"] == "events"]
    if len(streams) != 1:
        raise ValueError(f"{len(streams)} event streams, expected one; export the one you want")
    parts, total = [np.zeros(0, EVENT)], 0
    for packet in decoder:
        if packet["stream_id"] != streams[0]:
            continue
        found = packet["events"]
        total += found.size
        if total > most:
            raise ValueError(f"over {most} events; split the recording")
        part = np.zeros(found.size, EVENT)
        for name, theirs in (("x", "x"), ("y", "y"), ("t", "t"), ("p", "on")):
            part[name] = found[theirs]
        parts.append(part)
    return np.concatenate(parts)


def main() -> int:
    try:
        events = events_of(sys.argv[1], int(sys.argv[3]))
    except Exception as error:
        print(error, file=sys.stderr)
        return 3
    np.save(sys.argv[2], events, allow_pickle=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
