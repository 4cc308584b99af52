/// One element after the other: the definition of what the other levels do. The compiler may still use vectors, where it finds
/// that they do the same.
#define LEVEL plain
#include "../level.inl.h"
