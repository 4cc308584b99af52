#pragma once

/// Has the thread sanitizer see what order a Swift `Mutex` makes; see `mutex_order.c`. Does nothing in other builds.
