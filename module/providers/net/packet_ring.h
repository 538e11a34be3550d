/* SPDX-License-Identifier: GPL-2.0-only */
/* The rings of packet sockets, which struct sock does not account. */
#ifndef _MEMDIAG_PROVIDERS_PACKET_RING_H
#define _MEMDIAG_PROVIDERS_PACKET_RING_H

#include <linux/types.h>

struct sock;

void memdiag_packet_ring_init(void);
u64 memdiag_packet_rings(const struct sock *sk);

#endif /* _MEMDIAG_PROVIDERS_PACKET_RING_H */
