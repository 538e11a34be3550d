/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/preempt.h>: what was in_irq() in v5.10 is in_hardirq() now. */
#ifndef _MEMDIAG_COMPAT_PREEMPT_H
#define _MEMDIAG_COMPAT_PREEMPT_H

#include <linux/preempt.h>

#ifndef in_hardirq
#define in_hardirq()	in_irq()
#endif

#endif /* _MEMDIAG_COMPAT_PREEMPT_H */
