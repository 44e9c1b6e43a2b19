-- What is kept of SLIs, SLOs and rules says since when measurements are awaited: it is read from the log once more.
truncate evaluator.registry;
update evaluator.registry_position set position = 0;
