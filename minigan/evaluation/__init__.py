"""Is what G draws good? Measures, each with its protocol.

Reading order: metrics, parzen, modes, classifier, protocol, report.
"""
