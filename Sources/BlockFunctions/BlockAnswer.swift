import Memory
import Scoring
import WebService

/// What a function answers: a number, or arrays.
struct BlockAnswer {
    private var arrays: [MadeArray] = []
    private var number: Int?

    init(_ arrays: [MadeArray] = []) { self.arrays = arrays }

    init(number: Int) { self.number = number }

    mutating func add(_ array: MadeArray) { arrays.append(array) }

    /// Adds the arrays of cells.
    ///
    /// - Parameter prefix: What their names begin with.
    mutating func add(_ cells: ReducedBlock.Cells, _ prefix: String, _ shape: [Int]) {
        add(MadeArray(prefix + "own", cells.own, shape))
        add(MadeArray(prefix + "largest", cells.largest, shape))
        add(MadeArray(prefix + "predicted", cells.predicted, shape))
        add(MadeArray(prefix + "labels", cells.labels, shape))
    }

    /// The answer as JSON. Of each array it tells where the elements lie and who owns them, which the caller does until it
    /// releases the owner.
    func document() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { members in
            if let number { members.integer("number", number) }
            members.array("arrays", of: arrays) { members, array in
                members.string("name", array.name)
                members.string("type", array.type.rawValue)
                members.integers("shape", array.shape)
                let address = unsafe UInt(bitPattern: array.memory.stableBytes.baseAddress)
                members.integer("address", Int(address))
                let owner = unsafe UInt(bitPattern: Unmanaged.passRetained(array.memory as AnyObject).toOpaque())
                members.integer("owner", Int(owner))
            }
        }
        return writer.text
    }
}
