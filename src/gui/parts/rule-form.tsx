import { RULE_LIMITS } from "../../domain/rule.ts";
import type { Target } from "../../domain/service.ts";

const TYPES = ["pushover", "mail", "webhook"];

/** What the form of a rule holds, as texts; `quiet` is in minutes. */
export interface RuleTexts {
  /** Whether it is a new one, whose name must be new, too. */
  is: string;
  name: string;
  q: string;
  alertType: string;
  alertTarget: string;
  count: string;
  seconds: string;
  quiet: string;
}

/** What is wrong with what was filled in, by the field; `rule` is what no field is to blame for. */
export type RuleProblems = Partial<Record<keyof RuleTexts | "rule", string>>;

interface RuleFormProps {
  given: RuleTexts;
  problems: RuleProblems;
  defaultTarget: Target | undefined;
}

/** The form that makes or changes a rule; what is wrong with a field is said below it, and what else is, above all. */
export function RuleForm(props: RuleFormProps) {
  const { given, problems, defaultTarget } = props;
  const isNew = given.is !== "known";
  const types = TYPES.includes(given.alertType) || given.alertType === "" ? TYPES : [...TYPES, given.alertType];
  return (
    <section class="card" id="form">
      <h2>{isNew ? "New rule" : "Change the rule"}</h2>
      {problems.rule !== undefined && (
        <p class="banner problem" role="alert">
          {problems.rule}
        </p>
      )}
      <form class="fields" method="post" action="/gui/rules">
        <input type="hidden" name="is" value={given.is} />
        <Field name="name" label="Name" of={props} isWide required readonly={!isNew} />
        <Field name="q" label="Search" of={props} isWide required placeholder="level:>=error" />
        <Field name="count" label="Events" of={props} required type="number" {...limits(RULE_LIMITS.count)} />
        <Field
          name="seconds"
          label="within seconds"
          of={props}
          required
          type="number"
          {...limits(RULE_LIMITS.seconds)}
        />
        <Field
          name="quiet"
          label="then quiet for minutes"
          of={props}
          required
          type="number"
          step="any"
          {...limits(RULE_LIMITS.quietSeconds, 60)}
        />
        <label>
          Type
          <select name="alertType">
            <option value="">{defaultTarget ? `default: ${defaultTarget.type}` : "choose"}</option>
            {types.map((type) => (
              <option value={type} selected={type === given.alertType}>
                {type}
              </option>
            ))}
          </select>
        </label>
        <Field name="alertTarget" label="Target" of={props} isWide placeholder={defaultTarget?.target} />
        <button type="submit" class="main" name="action" value="save">
          Save
        </button>
        {!isNew && <a href="/gui/rules">Don't change it</a>}
      </form>
    </section>
  );
}

interface FieldProps {
  name: keyof RuleTexts;
  label: string;
  of: RuleFormProps;
  isWide?: boolean;
  type?: "text" | "number";
  required?: boolean;
  readonly?: boolean;
  placeholder?: string | undefined;
  min?: number;
  max?: number;
  step?: "any";
}

function Field({ name, label, of: { given, problems }, isWide = false, ...input }: FieldProps) {
  const problem = problems[name];
  return (
    <div class={isWide ? "wide" : undefined}>
      <label>
        {label}
        <input
          name={name}
          value={given[name]}
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={problem === undefined ? undefined : "true"}
          aria-describedby={problem === undefined ? undefined : `wrong-${name}`}
          {...input}
        />
      </label>
      {problem !== undefined && (
        <p class="wrong" id={`wrong-${name}`}>
          {problem}
        </p>
      )}
    </div>
  );
}

function limits({ least, most }: { least: number; most: number }, unit = 1) {
  return { min: least / unit, max: most / unit };
}
