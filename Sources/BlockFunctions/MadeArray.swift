import Memory
import Scoring

/// An array that a function has made, and that the caller owns from then on.
struct MadeArray {
    let name: String
    let type: ElementType.Scalar
    let shape: [Int]
    /// The memory of the elements, which hold nothing else.
    let memory: any StableBytes

    init(_ name: String, _ type: ElementType.Scalar, _ shape: [Int], _ memory: any StableBytes) {
        (self.name, self.type, self.shape, self.memory) = (name, type, shape, memory)
    }

    init(_ name: String, _ scores: PixelScores, _ shape: [Int]) {
        self.init(name, scores.elementType.scalar, shape, scores.storage)
    }

    init(_ name: String, _ classes: ClassCodes, _ shape: [Int]) {
        self.init(name, classes.isWide ? .uint16 : .uint8, shape, classes.storage)
    }
}
