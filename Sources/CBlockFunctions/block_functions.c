#include "block_functions.h"
