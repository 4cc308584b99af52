/// One element after the other, which is the definition of what the other levels do. The compiler may still use vectors
/// if it finds that they do the same.
#define LEVEL plain
#include "../level.inl.h"
