-- How far the units go that are not later than $until.
SELECT max("position") FROM ($units) WHERE "position" <= $until
