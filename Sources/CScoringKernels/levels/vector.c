/// Vectors of what every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
#define LEVEL vector
#define LANES 16
#include "../level.inl.h"
