"""Names of the fields in the memory image of a chip, as offsets from the address of a row.

The image is one flat int64 array ``m``; an address is an index into it, and rows refer to each other by address, so
``m[m[out + DOWN] + TAIL]`` is the tail of the queue behind an output. Kernels read it through a bare pointer.
"""

from __future__ import annotations

NEVER = 1 << 62

# fifo: one queue of one virtual channel. A sender keeps its TAIL, the receiver its HEAD (addresses of slots).
# WAIT: the sender is blocked on it; a router of one channel has here the inputs that wait, which sleep until a place
# is freed (SLEEP: address of the word that says so). CREDIT: quanta until the sender, actor UPSTREAM, knows of a freed
# place.
# HELD: a packet is on its way into it. OUT_VC: where the packet at its head goes. BUSY_UNTIL: of the input port, kept
# in its first fifo. OCCUPIED: address of the word, and BIT in it, that says it is not empty. OF_PORT, OF_VC: its place.
HEAD, TAIL, WAIT, CREDIT, UPSTREAM, HELD, OUT_VC, BUSY_UNTIL, OCCUPIED, BIT, OF_PORT, OF_VC, SLEEP = range(13)
FIFO_ROW = 13

# slot: place for one flit in a ring. ARRIVE: when it may be seen, NEVER if there is none. READY: when the place is
# known to be free to the sender, NEVER while it is taken.
WORD, ARRIVE, READY, NEXT = range(4)
SLOT_ROW = 4

# output: DOWN is the first fifo behind it, ACTOR who empties that. BEST is scratch of the grant.
# A bus keeps its own pointer and time in the row of port 0, which leads nowhere there.
GRANT, FREE_AT, DOWN, ACTOR, LATENCY, INTERVAL, BEST, FLITS = range(8)
BUS_POINTER, BUS_FREE_AT = GRANT, FREE_AT
OUTPUT_ROW = 8

# port: what only routers with several channels or flits need: pointers of input and output, scratch of the accept.
REQUEST, ACCEPT, VC_POINTER, ACCEPT_BEST = range(4)
PORT_ROW = 4

# tile
X, Y, FIFOS, OUTPUTS, PORTS, OCCUPANCY = range(6)
TILE_ROW = 8

# endpoint: what is fixed (X and Y as for tiles), then its three units.
PORT, ROUTER, ENTRY, CYCLES, DEPTH, INGRESS = range(2, 8)
# update unit. LIMIT: spikes pushed when the batch is done. AT: when its work ends.
BATCH, LAST_BATCH, PUSHED, LIMIT, AT, WAITING, STALL, UPDATE_END = range(8, 16)
# egress unit. PACKET .. LAST_PACKET: packets left of the spike in hand.
PACKET, LAST_PACKET, SEND_AT, FLIT, VC, SEND_POINTER, POPPED, EGRESS_END = range(16, 24)
# synapse unit
IDLE_AT, POP_POINTER, SYNAPSE_BUSY, SYNAPSE_END, INGRESS_OCCUPANCY = range(24, 29)
# update unit, once a batch is done: PENDING: the next has not begun, since READY_AT; DRAIN: the spikes come first.
PENDING, READY_AT, DRAIN = range(29, 32)
# synapse unit: STAGED, the route looked up (-1: none) until STAGED_AT; WORK_FREE, when its work may begin.
STAGED, STAGED_AT, WORK_FREE, BLOCKED_SINCE = range(32, 36)
# port of the membrane memory, until when each unit holds it; then the waits in the order of `plan.WAITS`.
PORT_UPDATE, PORT_SYNAPSE = range(36, 38)
BANK_WAIT, SYNAPSE_PORT_WAIT, UPDATE_PORT_WAIT, INJECTION_WAIT, NETWORK_WAIT = range(38, 43)
N_WAITS = 5
ENDPOINT_ROW = 48

# A flit is one word: output port at the router it is in, head, tail, destination endpoint, route.
PORT_BITS, ENDPOINT_BITS, ROUTE_BITS = 12, 20, 29
PORT_MASK = (1 << PORT_BITS) - 1
HEAD_FLIT, TAIL_FLIT = 1 << PORT_BITS, 1 << (PORT_BITS + 1)
ENDPOINT_SHIFT = PORT_BITS + 2
ENDPOINT_MASK = (1 << ENDPOINT_BITS) - 1
ROUTE_SHIFT = ENDPOINT_SHIFT + ENDPOINT_BITS
