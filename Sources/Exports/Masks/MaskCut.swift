/// How the labels of an image are cut into masks.
enum MaskCut {
    /// Pixels of a class that touch, corners included, are a mask of their own: several readers fail on a mask of
    /// several pieces.
    case pieces
    /// All pixels of a class are one mask.
    case classes
}
