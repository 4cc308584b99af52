import Foundation
import Glibc

/// What is fuzzed; the environment variable `FUZZ_TARGET` names it.
enum FuzzTarget: String {
    case npy, npz, safetensors, png, json, form, service

    /// The one of this process.
    static let chosen: FuzzTarget = {
        let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            fatalError("FUZZ_TARGET names no fuzzer: \"\(name)\"")
        }
        return target
    }()

    /// Tries one input. What traps, or reads where it must not, is a finding.
    func run(_ input: [UInt8]) {
        switch self {
        case .npy: fuzzNpy(input)
        case .npz: fuzzNpz(input)
        case .safetensors: fuzzSafetensors(input)
        case .png: fuzzPNG(input)
        case .json: fuzzJSON(input)
        case .form: fuzzForm(input)
        case .service: ServiceFuzzer.shared.run(input)
        }
    }
}

/// The program: libFuzzer with its own flags. SwiftPM insists on an entry point of ours.
@main struct Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            runDriver(&count, &arguments) { start, count in
                FuzzTarget.chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
                return 0
            })
    }
}

@_extern(c, "LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ testOneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
