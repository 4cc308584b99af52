import Memory

@testable import Scoring

extension PixelScores {
    /// Scores of some values, float64 or else float32.
    init(_ values: [Double], isDouble: Bool) throws {
        self = isDouble ? .float64(try Buffer(values)) : .float32(try Buffer(values.map(Float.init)))
    }
}

extension ClassCodes {
    /// Codes of some classes, of two bytes or else one.
    init(_ values: [Int], isWide: Bool) throws {
        self = isWide ? .wide(try Buffer(values.map(UInt16.init))) : .narrow(try Buffer(values.map(UInt8.init)))
    }
}
