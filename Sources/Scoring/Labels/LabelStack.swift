package import Memory

/// Takes the labels of one image after the other, whose number is known only when the last has come.
package final class LabelStack {
    private let pixelLimit: Int
    private let rule: LabelRule?
    private var images: [ArrivedLabels] = []
    private var accumulator: LabelAccumulator?
    /// Counts what the images take beside their codes.
    private var reservation: ByteReservation?

    /// What an image takes beside its codes, in bytes. Images may be so small that this is most of their memory.
    private static let overhead = 512

    /// - Parameters:
    ///   - pixelLimit: The largest N·H·W.
    ///   - rule: What labels stand for, as far as that is known; nil if they are classes.
    package init(pixelLimit: Int, rule: LabelRule? = nil) {
        self.pixelLimit = pixelLimit
        self.rule = rule
    }

    /// The shape of the labels that have begun, `(N, H, W)`; nil before the first image.
    package private(set) var shape: [Int]?

    /// Begins the next image.
    ///
    /// - Parameter layout: `(1, H, W)`, with the H and W of the images before.
    /// - Returns: The accumulator that takes the image.
    /// - Throws: ``ScoringError/imageSize(expected:actual:)``, ``ScoringError/tooManyPixels(_:count:limit:)``, or
    ///   what a ``LabelAccumulator`` throws.
    package func begin(_ layout: TensorLayout) throws(ScoringError) -> LabelAccumulator {
        precondition(accumulator == nil && layout.shape.count == 3 && layout.shape[0] == 1)
        if let first = images.first, layout.shape != first.shape {
            throw .imageSize(expected: Array(first.shape[1...]), actual: Array(layout.shape[1...]))
        }
        let (count, overflow) = layout.elementCount.multipliedReportingOverflow(by: images.count + 1)
        guard !overflow, count <= pixelLimit else {
            throw .tooManyPixels(.labels, count: overflow ? .max : count, limit: pixelLimit)
        }
        do throws(MemoryError) {
            if reservation == nil { reservation = try ByteReservation() }
            try reservation?.grow(by: Self.overhead)
        } catch {
            throw .memory(error)
        }
        let accumulator = try LabelAccumulator(layout: layout, pixelLimit: pixelLimit, rule: rule)
        self.accumulator = accumulator
        shape = [images.count + 1] + layout.shape[1...]
        return accumulator
    }

    /// All labels of the image have come.
    package func endImage() {
        guard let accumulator else { preconditionFailure("an image ends after it has begun") }
        images.append(accumulator.finish())
        self.accumulator = nil
    }

    /// The labels of all images, of which there is at least one. The stack is of no further use.
    package func finish() -> ArrivedLabels {
        precondition(accumulator == nil)
        defer { images = [] }
        return ArrivedLabels(joining: images)
    }
}
